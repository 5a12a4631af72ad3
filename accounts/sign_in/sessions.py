"""Sessions that are over: who closes the browser never signs out."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone


def forget_expired_sessions() -> int:
    """Drop sessions that have expired, and what the list of somebody's sessions kept of those that are gone; gives the
    number of sessions."""
    expired, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    UserSession.objects.filter(~Exists(Session.objects.filter(pk=OuterRef("session_key")))).delete()
    return expired
