"""Sessions in the database, as Django keeps them; it alone takes every failure to write for a session that was ended
meanwhile, and answers 400."""

from __future__ import annotations

from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.db import InterfaceError, OperationalError


class SessionStore(DatabaseSessions):
    def save(self, must_create: bool = False) -> None:
        """Raises OperationalError or InterfaceError when the database went away, which is a 503 like everywhere."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, (OperationalError, InterfaceError)):
                raise error.__context__ from None
            raise
