from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization, User
from gitslice.common.errors import DomainError
from gitslice.objects.store import ObjectMissing
from gitslice.ops.integrity.redaction import redact
from gitslice_core.packs import PackError
from slices.blobs import standing_entries
from slices.models import Commit


class Command(BaseCommand):
    help = (
        "Take a content, such as a leaked secret, out of all history of an organization. It cannot be undone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", "--org", dest="org", required=True)
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--digest", help="SHA-256 of the content, 64 hexadecimal digits")
        what.add_argument("--path", metavar="PATH@COMMIT", help="the file that stands there at a commit")
        parser.add_argument("--reason", required=True, help="kept with the redaction, and in the audit trail")
        parser.add_argument("--user", help="the server administrator who decided it, for the audit trail")

    def handle(self, *, org: str, reason: str, **options: Any) -> None:
        organization = Organization.objects.filter(slug=org).first()
        if organization is None:
            raise CommandError(f"there is no organization {org}")
        try:
            digest = _digest(organization, options)
            deleted = redact(
                actor=_administrator(options["user"]), organization=organization, digest=digest, reason=reason
            )
        except DomainError as error:
            raise CommandError(str(error)) from None
        except (PackError, ObjectMissing) as error:
            raise CommandError(
                f"nobody reads it any more, but a pack that may hold it is damaged ({error}): "
                "run 'manage.py fsck --full --repair', then this again"
            ) from None
        self.stdout.write(f"{digest.hex()} redacted, {deleted} objects deleted")
        self.stderr.write(
            "Backups, replicas, and working directories still hold it (docs/integrity.md): change the secret."
        )


def _digest(organization: Organization, options: dict[str, Any]) -> bytes:
    if options["digest"]:
        try:
            return bytes.fromhex(options["digest"])
        except ValueError:
            raise CommandError("--digest is 64 hexadecimal digits") from None
    path, _, name = options["path"].rpartition("@")
    try:
        commit = Commit.objects.filter(organization=organization, digest=bytes.fromhex(name)).first()
    except ValueError:
        commit = None
    if commit is None or not path:
        raise CommandError("--path is PATH@COMMIT, with the whole digest of a commit")
    root = organization.slices.select_related("organization", "definition").get(name="root")
    return standing_entries(root, commit, [path])[path].digest


def _administrator(username: str | None) -> User | None:
    if username is None:
        return None
    user = User.objects.filter(username=username, is_superuser=True, is_active=True).first()
    if user is None:
        raise CommandError(f"{username} is no administrator of the server")
    return user
