from django.urls import path

from changesets.api import changesets, checks, comments, landing, patchsets, reverting, reviews, viewed

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
    path(ONE + "withdraw/", reviews.WithdrawView.as_view(), name="changeset-withdraw"),
    path(ONE + "reviewers/", reviews.ReviewersView.as_view(), name="changeset-reviewers"),
    path(ONE + "suggestions/", reviews.SuggestionsView.as_view(), name="changeset-suggestions"),
    path(ONE + "comments/", comments.CommentListView.as_view(), name="changeset-comments"),
    path(ONE + "comments/<int:comment_id>/", comments.CommentView.as_view(), name="changeset-comment"),
    path(ONE + "threads/", comments.ThreadListView.as_view(), name="changeset-threads"),
    path(
        ONE + "threads/<int:thread_id>/resolve/",
        comments.ThreadResolveView.as_view(),
        name="changeset-thread-resolve",
    ),
    path(
        ONE + "threads/<int:thread_id>/reopen/",
        comments.ThreadReopenView.as_view(),
        name="changeset-thread-reopen",
    ),
    path(ONE + "drafts/", comments.DraftListView.as_view(), name="changeset-drafts"),
    path(ONE + "drafts/<uuid:draft_id>/", comments.DraftView.as_view(), name="changeset-draft"),
    path(ONE + "checks/", checks.CheckListView.as_view(), name="changeset-checks"),
    path(ONE + "viewed/", viewed.ViewedView.as_view(), name="changeset-viewed"),
    path(ONE + "merge/", landing.MergeView.as_view(), name="changeset-merge"),
    path(ONE + "rebase/", landing.RebaseView.as_view(), name="changeset-rebase"),
    path(ONE + "abandon/", landing.AbandonView.as_view(), name="changeset-abandon"),
]
