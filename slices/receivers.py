"""What slices do when something happens in accounts."""

from __future__ import annotations

from typing import Any

from accounts.models import Organization, User
from accounts.signals import member_removed, organization_created
from slices.granting import forget_roles
from slices.services import create_root_slice


def connect() -> None:
    organization_created.connect(_give_root, dispatch_uid="slices.root")
    member_removed.connect(_forget_roles, dispatch_uid="slices.roles")


def _give_root(sender: Any, *, organization: Organization, owner: User, **_: Any) -> None:
    create_root_slice(organization=organization, owner=owner)


def _forget_roles(sender: Any, *, organization: Organization, user: User, **_: Any) -> None:
    forget_roles(organization, user)
