"""The addresses of changesets. `gs browse` makes some of them: they never change."""

from django.urls import path

from changesets.views import actions, conversation, editing, files, lists, proposing, reverting

app_name = "changesets"

CHANGESET = "<str:org>/changesets/<int:number>/"
SLICE = "<str:org>/slices/<str:name>/"

urlpatterns = [
    path("<str:org>/slices/<str:name>/commits/<str:commit>/revert/", reverting.revert, name="revert"),
    path("<str:org>/global/<str:commit>/revert/", reverting.global_revert, name="global-revert"),
    path("changesets/", lists.all_changesets, name="all"),
    path("<str:org>/changesets/", lists.all_changesets, name="organization"),
    path(CHANGESET, conversation.changeset, name="changeset"),
    path(f"{CHANGESET}live/", conversation.live, name="live"),
    path(f"{CHANGESET}files/", files.files, name="files"),
    path(f"{CHANGESET}files/viewed/", files.viewed, name="viewed"),
    path(f"{CHANGESET}files/comment/", files.comment_form, name="comment-form"),
    path(f"{CHANGESET}comment/", actions.comment, name="comment"),
    path(f"{CHANGESET}comments/<int:comment_id>/", actions.change_comment, name="change-comment"),
    path(f"{CHANGESET}threads/<int:thread_id>/", actions.thread, name="thread"),
    path(f"{CHANGESET}drafts/", actions.drafts, name="drafts"),
    path(f"{CHANGESET}suggestions/", actions.suggestions, name="suggestions"),
    path(f"{CHANGESET}review/", actions.review, name="review"),
    path(f"{CHANGESET}withdraw/", actions.withdraw, name="withdraw"),
    path(f"{CHANGESET}reviewers/", actions.reviewers, name="reviewers"),
    path(f"{CHANGESET}merge/", actions.merge, name="merge"),
    path(f"{CHANGESET}rebase/", actions.rebase, name="rebase"),
    path(f"{CHANGESET}abandon/", actions.abandon, name="abandon"),
    path(f"{CHANGESET}edit/", editing.changeset_files, name="edit-files"),
    path(f"{SLICE}edit/<path:path>", editing.edit, name="edit"),
    path(f"{SLICE}move/<path:path>", editing.move, name="move"),
    path(f"{SLICE}delete/<path:path>", editing.delete, name="delete"),
    path(f"{SLICE}add/", editing.add, name="add"),
    path(f"{SLICE}upload/", editing.upload, name="upload"),
    path(f"{SLICE}propose/", proposing.propose, name="propose"),
]
