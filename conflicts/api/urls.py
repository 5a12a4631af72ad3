from django.urls import path

from conflicts.api import conflicts, events, mail, resolution, statistics

urlpatterns = [
    path("global/<str:org>/stats/", statistics.StatisticsView.as_view(), name="global-statistics"),
    path("conflicts/<str:org>/", conflicts.ConflictListView.as_view(), name="conflicts"),
    path("conflicts/<str:org>/history/", conflicts.ConflictHistoryView.as_view(), name="conflict-history"),
    path("conflicts/<str:org>/<int:conflict_id>/", conflicts.ConflictView.as_view(), name="conflict"),
    path(
        "conflicts/<str:org>/<int:conflict_id>/events/",
        conflicts.ConflictEventsView.as_view(),
        name="conflict-events",
    ),
    path(
        "conflicts/<str:org>/<int:conflict_id>/comments/",
        conflicts.ConflictCommentsView.as_view(),
        name="conflict-comments",
    ),
    path("me/mail/", mail.MailChoiceView.as_view(), name="mail-choice"),
    path("events/<str:org>/", events.EventStreamView.as_view(), name="events"),
    path(
        "changesets/<str:org>/<int:number>/resolve/",
        resolution.ResolveView.as_view(),
        name="changeset-resolve",
    ),
]
