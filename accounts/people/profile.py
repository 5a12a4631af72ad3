"""What people change of themselves."""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from gitslice.common.audit import record
from gitslice.common.errors import InvalidRequest

MAX_NAME = 150


@transaction.atomic
def change_name(*, user: User, first_name: str, last_name: str) -> User:
    """How others read one's name. Raises InvalidRequest."""
    for name in (first_name, last_name):
        if len(name) > MAX_NAME or "\0" in name:
            raise InvalidRequest(f"a name has at most {MAX_NAME} characters, and no NUL")
    user.first_name, user.last_name = first_name.strip(), last_name.strip()
    user.save(update_fields=["first_name", "last_name"])
    record(organization=None, actor=user, action="user.change", object=user.username)
    return user
