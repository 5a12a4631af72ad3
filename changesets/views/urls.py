"""The addresses of changesets. `gs browse` makes some of them: they never change."""

from django.urls import path

from changesets.views import actions, conversation, files, lists, reverting

app_name = "changesets"

CHANGESET = "<str:org>/changesets/<int:number>/"

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
    path(f"{CHANGESET}review/", actions.review, name="review"),
    path(f"{CHANGESET}merge/", actions.merge, name="merge"),
    path(f"{CHANGESET}rebase/", actions.rebase, name="rebase"),
    path(f"{CHANGESET}abandon/", actions.abandon, name="abandon"),
]
