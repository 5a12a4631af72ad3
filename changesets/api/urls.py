from django.urls import path

from changesets.api import changesets, landing, patchsets, reverting, reviews, viewed

ONE = "changesets/<str:org>/<int:number>/"

urlpatterns = [
    path("changesets/", changesets.ChangesetListView.as_view(), name="changesets"),
    path(
        "slices/<str:org>/<str:name>/changesets/",
        changesets.SliceChangesetListView.as_view(),
        name="slice-changesets",
    ),
    path(
        "slices/<str:org>/<str:name>/commits/<str:commit>/revert/",
        reverting.RevertView.as_view(),
        name="commit-revert",
    ),
    path(
        "global/<str:org>/commits/<str:commit>/revert/",
        reverting.GlobalRevertView.as_view(),
        name="global-revert",
    ),
    path(ONE, changesets.ChangesetView.as_view(), name="changeset"),
    path(ONE + "patchsets/", patchsets.PatchsetListView.as_view(), name="changeset-patchsets"),
    path(ONE + "diff/", patchsets.DiffView.as_view(), name="changeset-diff"),
    path(ONE + "review/", reviews.ReviewSummaryView.as_view(), name="changeset-review"),
    path(ONE + "reviews/", reviews.ReviewListView.as_view(), name="changeset-reviews"),
    path(ONE + "comments/", reviews.CommentListView.as_view(), name="changeset-comments"),
    path(ONE + "viewed/", viewed.ViewedView.as_view(), name="changeset-viewed"),
    path(ONE + "merge/", landing.MergeView.as_view(), name="changeset-merge"),
    path(ONE + "rebase/", landing.RebaseView.as_view(), name="changeset-rebase"),
    path(ONE + "abandon/", landing.AbandonView.as_view(), name="changeset-abandon"),
]
