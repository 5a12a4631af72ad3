"""The addresses of conflicts."""

from django.urls import path

from conflicts.views import actions, board, conflict, kept, maps

app_name = "conflicts"

CONFLICT = "<str:org>/conflicts/<int:conflict_id>/"

urlpatterns = [
    path("conflicts/", board.board, name="all"),
    path("<str:org>/conflicts/", board.board, name="organization"),
    path("<str:org>/map/", maps.overview, name="map"),
    path(CONFLICT, conflict.conflict, name="conflict"),
    path(f"{CONFLICT}live/", conflict.live, name="live"),
    path("<str:org>/changesets/<int:number>/settle/", kept.settle, name="settle"),
    path(f"{CONFLICT}resolve/", actions.resolve, name="resolve"),
    path(f"{CONFLICT}assign/", actions.assign, name="assign"),
    path(f"{CONFLICT}comment/", actions.comment, name="comment"),
]
