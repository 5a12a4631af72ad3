"""What slices do when something happens in accounts."""

from __future__ import annotations

from typing import Any

from accounts.models import Organization, User
from accounts.signals import organization_created
from slices.services import create_root_slice


def connect() -> None:
    organization_created.connect(_give_root, dispatch_uid="slices.root")


def _give_root(sender: Any, *, organization: Organization, owner: User, **_: Any) -> None:
    create_root_slice(organization=organization, owner=owner)
