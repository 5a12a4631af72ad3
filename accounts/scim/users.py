"""Users of a directory. It manages memberships of its own organization, and accounts that it made itself.

Active means: a member, with an account that is. Ending an account that the directory made and that belongs to no other
organization deactivates it, and keeps its teams and roles for when it comes back; of any other the membership ends.
What the directory has ended, and accounts of its own, it may bring back. Who has left otherwise stays away.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Membership, Organization, ScimUser, User
from accounts.people import changes
from accounts.people.changes import Author
from accounts.scim.errors import InvalidFilter, InvalidValue, ResourceNotFound
from accounts.scim.filters import Condition
from accounts.scim.patching import Document, lowered
from accounts.services import create_user
from accounts.sso.enforcement import require_way_in
from gitslice.common.errors import NameTaken

MAX_TEXT = 254
MAX_USERNAME = 140  # of 150, so that there is room for a number

# Members whom the directory does not know yet: by the address that they were invited at, else by their user name.
ADOPT = """
INSERT INTO accounts_scimuser (organization_id, user_id, user_name, external_id, attributes, provisioned, suspended,
                               deleted, created_at, updated_at)
SELECT membership.organization_id, membership.user_id, {name}, '', '{{}}', FALSE, FALSE, FALSE, now(), now()
  FROM accounts_membership membership JOIN accounts_user account ON account.id = membership.user_id
  {join}
 WHERE membership.organization_id = %s AND account.service_of_id IS NULL AND NOT EXISTS (
       SELECT FROM accounts_scimuser known
        WHERE known.organization_id = membership.organization_id AND known.user_id = membership.user_id)
 ORDER BY membership.id
ON CONFLICT DO NOTHING
"""
BY_ADDRESS = ADOPT.format(
    name="invitation.email",
    join="JOIN accounts_invitation invitation ON invitation.accepted_by_id = account.id"
    " AND invitation.organization_id = membership.organization_id",
)
BY_NAME = ADOPT.format(name="account.username", join="")


@dataclass(frozen=True)
class Person:
    """A user as a directory describes one."""

    user_name: str
    external_id: str = ""
    active: bool | None = None  # None: as it is
    attributes: dict[str, str] = field(default_factory=dict)  # those of ScimUser


def parse_person(document: Document) -> Person:
    """The user of a document, names in any case. Raises InvalidValue."""
    document = lowered(document)
    user_name = _text(document.get("username"), "userName").strip()
    if not user_name:
        raise InvalidValue("userName is missing")
    name = document.get("name") or {}
    if not isinstance(name, dict):
        raise InvalidValue("name is an object")
    attributes = {
        "givenName": _text(name.get("givenname"), "name.givenName"),
        "familyName": _text(name.get("familyname"), "name.familyName"),
        "displayName": _text(document.get("displayname"), "displayName"),
        "email": _address(document.get("emails")),
    }
    return Person(
        user_name,
        _text(document.get("externalid"), "externalId"),
        _flag(document.get("active")),
        {key: value for key, value in attributes.items() if value},
    )


def find_users(organization: Organization, conditions: Iterable[Condition] = ()) -> QuerySet[ScimUser]:
    """Users whom the directory has not deleted, with `is_member`. Raises InvalidFilter."""
    adopt_members(organization)
    member = Membership.objects.filter(organization=organization, user=OuterRef("user"))
    rows = ScimUser.objects.filter(organization=organization, deleted=False).select_related("user")
    for condition in conditions:
        rows = _filtered(rows, condition)
    return rows.annotate(is_member=Exists(member)).order_by("pk")


def find_user(organization: Organization, resource_id: str) -> ScimUser:
    """Raises ResourceNotFound."""
    number = int(resource_id) if resource_id.isdecimal() and len(resource_id) < 18 else 0
    found = find_users(organization).filter(pk=number).first()
    if found is None:
        raise ResourceNotFound(f"there is no user {resource_id[:64]}")
    return found


def adopt_members(organization: Organization) -> None:
    """Make all members known to the directory."""
    with connection.cursor() as cursor:
        cursor.execute(BY_ADDRESS, [organization.pk])
        cursor.execute(BY_NAME, [organization.pk])


@transaction.atomic
def create(organization: Organization, person: Person, by: Author) -> ScimUser:
    """A new member with a new account, or one that the directory had deleted. Raises NameTaken, InvalidValue,
    QuotaExceeded."""
    changes.lock_organization(organization)
    adopt_members(organization)
    known = ScimUser.objects.select_related("user").filter(
        organization=organization, user_name__iexact=person.user_name
    )
    record = known.first()
    if record is not None and not record.deleted:
        raise NameTaken(f"there is a user {person.user_name!r} already")
    if record is not None and not _may_bring_back(organization, record):
        record.delete()
        record = None
    if record is None:
        account = _new_account(person)
        record = ScimUser(organization=organization, user=account, provisioned=True)
    record.deleted = False
    return _write(organization, record, person if person.active is False else _active(person), by)


@transaction.atomic
def replace(
    organization: Organization, resource_id: str, change: Callable[[Document], Document], by: Author
) -> ScimUser:
    """Make the user what `change` makes of its document, which holds still meanwhile.

    Raises ResourceNotFound, NameTaken, InvalidValue, LastOwner, QuotaExceeded.
    """
    changes.lock_organization(organization)
    record = find_user(organization, resource_id)
    return _write(organization, record, parse_person(change(_document(record))), by)


@transaction.atomic
def delete(organization: Organization, resource_id: str, by: Author) -> None:
    """End the membership, and the account if it is the directory's alone. Raises ResourceNotFound, LastOwner."""
    changes.lock_organization(organization)
    record = find_user(organization, resource_id)
    if _is_own(organization, record):
        _suspend(organization, record, by)
    _end_membership(organization, record, by)
    record.deleted = True
    record.save()
    changes.audit(organization, by, "scim_user.delete", record.user_name)


def is_active(record: ScimUser) -> bool:
    """Of one of `find_users`."""
    return bool(record.user.is_active and record.is_member)  # type: ignore[attr-defined]


def _document(record: ScimUser) -> Document:
    """What a directory may change, without `active`: untouched, it stays as it is."""
    told = record.attributes
    emails = [{"value": told["email"], "type": "work", "primary": True}] if "email" in told else []
    return {
        "userName": record.user_name,
        "externalId": record.external_id,
        "displayName": told.get("displayName"),
        "name": {part: told[part] for part in ("givenName", "familyName") if part in told},
        "emails": emails,
    }


def _active(person: Person) -> Person:
    return dataclasses.replace(person, active=True)


def _write(organization: Organization, record: ScimUser, person: Person, by: Author) -> ScimUser:
    record.user_name, record.external_id = person.user_name, person.external_id
    record.attributes = person.attributes
    try:
        with transaction.atomic():
            record.save()
    except IntegrityError:
        raise NameTaken(f"there is a user {person.user_name!r} already") from None
    if person.active is None:
        pass
    elif person.active:
        _begin(organization, record, by)
    elif _is_own(organization, record):
        _suspend(organization, record, by)
    else:
        _end_membership(organization, record, by)
    if _is_own(organization, record):
        _describe(organization, record)
    changes.audit(organization, by, "scim_user.change", record.user_name, user=record.user.username)
    return find_user(organization, str(record.pk))


def _begin(organization: Organization, record: ScimUser, by: Author) -> None:
    """Whom somebody else has deactivated stays so, and who has left stays away."""
    is_member = _membership(organization, record) is not None
    if not is_member and not _may_bring_back(organization, record):
        return
    if record.suspended and _is_own(organization, record):
        changes.reactivate(record.user, organization, by)
    if record.suspended:
        record.suspended = False
        record.save(update_fields=["suspended"])
    if not is_member:
        require_way_in(organization, record.user)
        changes.set_member(organization, record.user, Membership.Role.MEMBER, by)


def _may_bring_back(organization: Organization, record: ScimUser) -> bool:
    return record.suspended or _is_own(organization, record)


def _end_membership(organization: Organization, record: ScimUser, by: Author) -> None:
    if _membership(organization, record) is not None:
        changes.drop_member(organization, record.user, by)
        record.suspended = True
        record.save(update_fields=["suspended"])


def _suspend(organization: Organization, record: ScimUser, by: Author) -> None:
    membership = _membership(organization, record)
    if membership is not None and membership.role == changes.OWNER:
        changes.require_other_owner(organization, record.user)
    if record.user.is_active:
        changes.deactivate(record.user, organization, by)
        record.suspended = True
        record.save(update_fields=["suspended"])


def _is_own(organization: Organization, record: ScimUser) -> bool:
    """Whether the account is the directory's to end and to describe: made by it, in no other organization,
    and without powers over this server."""
    if not record.provisioned:
        return False
    user = changes.lock_user(record.user)
    return (
        not (user.is_superuser or user.is_staff)
        and not user.memberships.exclude(organization=organization).exists()
    )


def _describe(organization: Organization, record: ScimUser) -> None:
    """An owner keeps the address: a mail to it lets one in, and admins speak for the directory."""
    user, told = record.user, record.attributes
    user.first_name, user.last_name = told.get("givenName", "")[:150], told.get("familyName", "")[:150]
    membership = _membership(organization, record)
    if membership is None or membership.role != changes.OWNER:
        user.email = told.get("email", "")
    user.save(update_fields=["first_name", "last_name", "email"])


def _membership(organization: Organization, record: ScimUser) -> Membership | None:
    return organization.memberships.filter(user=record.user).first()


def _new_account(person: Person) -> User:
    """An account without a password, with a user name like the directory's that nobody has yet."""
    stem = re.sub(r"[^\w.+-]+", "-", person.user_name.partition("@")[0]).strip("-")[:MAX_USERNAME] or "user"
    similar = User.objects.filter(username__istartswith=stem).values_list("username", flat=True)
    taken = {name.lower() for name in similar}
    number = 1
    while True:
        username = stem if number == 1 else f"{stem}-{number}"
        number += 1
        if username.lower() in taken:
            continue
        try:
            return create_user(username=username, email=person.attributes.get("email", ""))
        except NameTaken:  # by somebody a moment ago
            continue


def _filtered(rows: QuerySet[ScimUser], condition: Condition) -> QuerySet[ScimUser]:
    match condition.attribute:
        case "username":
            return rows.filter(user_name__iexact=condition.value)
        case "externalid":
            return rows.filter(external_id=condition.value)
        case "id":
            return rows.filter(pk=int(condition.value) if re.fullmatch(r"\d{1,17}", condition.value) else 0)
        case "emails" | "emails.value":
            return rows.filter(attributes__email__iexact=condition.value)
        case "displayname":
            return rows.filter(attributes__displayName__iexact=condition.value)
    raise InvalidFilter(f"users cannot be filtered by {condition.attribute}")


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\0" in value:
        raise InvalidValue(f"{name} is a text of at most {MAX_TEXT} characters")
    return value


def _flag(value: Any) -> bool | None:
    """Entra ID sends texts."""
    if value is None:
        return None
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise InvalidValue("active is true or false")
    return value


def _address(emails: Any) -> str:
    """The primary address, else the one of type work, else the first."""
    if not emails:
        return ""
    if not isinstance(emails, list) or not all(isinstance(email, dict) for email in emails):
        raise InvalidValue("emails is a list of objects")
    ranked = sorted(emails, key=lambda email: (email.get("primary") is not True, email.get("type") != "work"))
    address = _text(ranked[0].get("value"), "emails.value").strip()
    try:
        if address:
            validate_email(address)
    except ValidationError:
        raise InvalidValue(f"{address!r} is no e-mail address") from None
    return address
