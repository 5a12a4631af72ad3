from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts.models import Membership, Organization, User
from accounts.services import create_organization, create_token, create_user, role_in
from gitslice.common.errors import DomainError


class Command(BaseCommand):
    help = (
        "Make an organization with its owner, and print both as JSON. Run again with the same password, it changes "
        "nothing but makes another token if asked to."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--org", required=True)
        parser.add_argument("--user", required=True)
        parser.add_argument(
            "--password-stdin",
            action="store_true",
            required=True,
            help="the password is the first line of stdin",
        )
        parser.add_argument("--token", action="store_true", help="make an API token, shown this once")

    def handle(self, *, org: str, user: str, token: bool, **options: Any) -> None:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError("stdin has no password")
        try:
            secret = bootstrap(org, user, password, with_token=token)
        except DomainError as error:
            raise CommandError(str(error)) from None
        result = {
            "organization": org,
            "user": user,
            "token": secret,
            "endpoint": settings.GITSLICE_PUBLIC_URL,
        }
        self.stdout.write(json.dumps(result))


@transaction.atomic
def bootstrap(org: str, username: str, password: str, *, with_token: bool) -> str | None:
    """Make what is missing of user, organization and ownership; gives the token's secret if one is wanted."""
    owner = _owner(username, password)
    organization = Organization.objects.filter(slug=org).first()
    if organization is None:
        create_organization(slug=org, owner=owner)
    elif role_in(owner, organization) != Membership.Role.OWNER:
        raise CommandError(f"there is an organization {org!r} already, and {username!r} is no owner of it")
    return create_token(user=owner, name="bootstrap")[1] if with_token else None


def _owner(username: str, password: str) -> User:
    user = User.objects.filter(username=username).first()
    if user is None:
        return create_user(username=username, password=password)
    if not user.is_active or not user.check_password(password):
        raise CommandError(f"there is a user {username!r} already, with another password")
    return user
