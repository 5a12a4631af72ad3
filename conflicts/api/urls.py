from django.urls import path

from conflicts.api import conflicts, resolution

urlpatterns = [
    path("conflicts/<str:org>/", conflicts.ConflictListView.as_view(), name="conflicts"),
    path("conflicts/<str:org>/<int:conflict_id>/", conflicts.ConflictView.as_view(), name="conflict"),
    path(
        "changesets/<str:org>/<int:number>/resolve/",
        resolution.ResolveView.as_view(),
        name="changeset-resolve",
    ),
]
