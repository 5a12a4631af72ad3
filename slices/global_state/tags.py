"""Tags: names of global commits, given once."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from accounts.events import announce
from accounts.models import Organization, User
from gitslice.common.audit import record
from gitslice.common.errors import NameTaken
from slices.global_state.errors import InvalidTagName
from slices.global_state.merging import require_merger
from slices.global_state.naming import may_name_a_tag
from slices.models import GlobalCommit, GlobalTag


def create_tag(
    *, actor: User, organization: Organization, name: str, target: GlobalCommit, message: str = ""
) -> GlobalTag:
    """Name a global commit, for ever. The same tag on the same commit again changes nothing.

    Raises GlobalForbidden, InvalidTagName, NameTaken.
    """
    require_merger(actor, organization, "tag")
    if not may_name_a_tag(name):
        raise InvalidTagName(f"{name[:100]!r} cannot be the name of a tag")
    try:
        with transaction.atomic():
            tag = GlobalTag.objects.create(
                organization=organization, name=name, target=target, message=message, author=actor
            )
            detail = {"number": target.number, "commit": target.hex}
            record(organization=organization, actor=actor, action="global.tag", object=name, detail=detail)
            body = {"organization": organization.slug, "tag": name} | detail
            announce(organization_id=organization.pk, kind="global.tagged", body=body)
            return tag
    except IntegrityError:
        return _same_tag(organization, name, target)


def _same_tag(organization: Organization, name: str, target: GlobalCommit) -> GlobalTag:
    standing = GlobalTag.objects.select_related("target", "author").get(organization=organization, name=name)
    if standing.target_id != target.pk:
        hint = "tags never move: choose another name"
        raise NameTaken(f"the tag {name} names {standing.target} already", hint=hint)
    return standing
