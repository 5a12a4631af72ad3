from django.urls import path

from slices.api import archives, commits, facts, global_state, manifests, roles, slices, trees, uploads

SLICE = "slices/<str:org>/<str:name>/"
GLOBAL = "global/<str:org>/"

urlpatterns = [
    path("uploads/<str:org>/", uploads.UploadView.as_view(), name="uploads"),
    path(GLOBAL, global_state.GlobalView.as_view(), name="global"),
    path(f"{GLOBAL}slices/", global_state.GlobalSlicesView.as_view(), name="global-slices"),
    path(f"{GLOBAL}pending/", global_state.PendingView.as_view(), name="global-pending"),
    path(f"{GLOBAL}merge/", global_state.GlobalMergeView.as_view(), name="global-merge"),
    path(f"{GLOBAL}tags/", global_state.TagListView.as_view(), name="global-tags"),
    path(f"{GLOBAL}commits/", global_state.GlobalCommitListView.as_view(), name="global-commits"),
    path(f"{GLOBAL}commits/<str:commit>/", global_state.GlobalCommitView.as_view(), name="global-commit"),
    path("slices/", slices.SliceListView.as_view(), name="slices"),
    path("slices/<str:org>/", slices.OrganizationSlicesView.as_view(), name="organization-slices"),
    path(SLICE, slices.SliceView.as_view(), name="slice"),
    path(f"{SLICE}fork/", slices.ForkView.as_view(), name="slice-fork"),
    path(f"{SLICE}status/", facts.StatusView.as_view(), name="slice-status"),
    path(f"{SLICE}owners/", facts.OwnersView.as_view(), name="slice-owners"),
    path(f"{SLICE}roles/", roles.RoleListView.as_view(), name="slice-roles"),
    path(f"{SLICE}roles/<str:holder>/", roles.RoleView.as_view(), name="slice-role"),
    path(f"{SLICE}definitions/", facts.DefinitionsView.as_view(), name="slice-definitions"),
    path(f"{SLICE}overlaps/", facts.OverlapsView.as_view(), name="slice-overlaps"),
    path(f"{SLICE}manifest/", manifests.ManifestView.as_view(), name="slice-manifest"),
    path(f"{SLICE}objects/", manifests.ObjectsView.as_view(), name="slice-objects"),
    path(f"{SLICE}tree/", trees.TreeView.as_view(), name="slice-tree"),
    path(f"{SLICE}file/", trees.FileView.as_view(), name="slice-file"),
    path(f"{SLICE}archive/", archives.ArchiveView.as_view(), name="slice-archive"),
    path(f"{SLICE}blame/", trees.BlameView.as_view(), name="slice-blame"),
    path(f"{SLICE}commits/", commits.CommitListView.as_view(), name="slice-commits"),
    path(f"{SLICE}commits/<str:commit>/", commits.CommitView.as_view(), name="slice-commit"),
    path(f"{SLICE}commits/<str:commit>/diff/", commits.CommitDiffView.as_view(), name="slice-commit-diff"),
    path(f"{SLICE}diff/", commits.DiffView.as_view(), name="slice-diff"),
]
