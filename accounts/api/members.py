"""`orgs/ORG/members/`: shown to members, changed by owners and admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api.access import own_organization, signed_in
from accounts.idempotency import idempotent
from accounts.models import Membership, User
from accounts.people import activation, members
from accounts.scopes import ADMIN, READ
from gitslice.common.errors import InvalidRequest, NotFound
from gitslice.common.pagination import Page, listing, text_key


class NewMember(serializers.Serializer[Any]):
    user = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Membership.Role.values, default=Membership.Role.MEMBER)


class MemberChange(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Membership.Role.values)


class MemberListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(
        operation_id="list_members",
        parameters=[OpenApiParameter("search", description="text in the user name or name")],
        responses=OpenApiTypes.OBJECT,
        tags=["orgs"],
    )
    def get(self, request: Request, org: str) -> Response:
        organization = own_organization(signed_in(request.user), org)
        page = Page(request.query_params)
        rows = members.find_members(organization, plain_text(request.query_params.get("search", "")))
        if page.after is not None:
            rows = rows.filter(user__username__gt=text_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda membership: membership.user.username)
        return Response(listing(map(member_body, shown), cursor))

    @extend_schema(
        operation_id="add_member", request=NewMember, responses={201: OpenApiTypes.OBJECT}, tags=["orgs"]
    )
    def post(self, request: Request, org: str) -> Response:
        """Add somebody from another organization of yours. Others are invited by e-mail."""
        actor = signed_in(request.user)
        organization = own_organization(actor, org)
        services.require_admin(actor, organization)
        body = NewMember(data=request.data)
        body.is_valid(raise_exception=True)

        def perform() -> tuple[int, dict[str, Any]]:
            user = members.colleagues(actor).filter(username=body.validated_data["user"]).first()
            if user is None:
                raise NotFound(
                    f"you know no user {body.validated_data['user']!r}",
                    hint="invite them by e-mail: POST orgs/ORG/invitations/",
                )
            membership = services.add_member(
                actor=actor, organization=organization, user=user, role=body.validated_data["role"]
            )
            return 201, member_body(membership)

        return idempotent(request, repr(sorted(body.validated_data.items())).encode(), perform)


class MemberView(APIView):
    scopes = {"GET": READ, "PATCH": ADMIN, "DELETE": ADMIN}

    @extend_schema(operation_id="get_member", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str, user: str) -> Response:
        return Response(member_body(visible_member(request, org, user)))

    @extend_schema(
        operation_id="change_member", request=MemberChange, responses=OpenApiTypes.OBJECT, tags=["orgs"]
    )
    def patch(self, request: Request, org: str, user: str) -> Response:
        membership = visible_member(request, org, user)
        body = MemberChange(data=request.data)
        body.is_valid(raise_exception=True)
        changed = members.change_role(
            actor=signed_in(request.user), membership=membership, role=body.validated_data["role"]
        )
        return Response(member_body(changed))

    @extend_schema(operation_id="remove_member", responses={204: None}, tags=["orgs"])
    def delete(self, request: Request, org: str, user: str) -> Response:
        """The user's teams and slice roles in the organization end too. One may remove oneself."""
        membership = visible_member(request, org, user)
        members.remove_member(actor=signed_in(request.user), membership=membership)
        return Response(status=204)


class DeactivateMemberView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="deactivate_member", request=None, responses=OpenApiTypes.OBJECT, tags=["orgs"]
    )
    def post(self, request: Request, org: str, user: str) -> Response:
        """End all sessions, tokens and event streams of somebody who belongs to this organization alone."""
        membership = visible_member(request, org, user)
        activation.deactivate_user(
            actor=signed_in(request.user), user=membership.user, organization=membership.organization
        )
        return Response(member_body(membership))


class ReactivateMemberView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="reactivate_member", request=None, responses=OpenApiTypes.OBJECT, tags=["orgs"]
    )
    def post(self, request: Request, org: str, user: str) -> Response:
        membership = visible_member(request, org, user)
        activation.reactivate_user(
            actor=signed_in(request.user), user=membership.user, organization=membership.organization
        )
        return Response(member_body(membership))


class DeactivateUserView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="deactivate_user", request=None, responses=OpenApiTypes.OBJECT, tags=["users"]
    )
    def post(self, request: Request, user: str) -> Response:
        """For administrators of the server: anybody, whatever they belong to."""
        actor, found = known_user(request, user)
        return Response(user_body(activation.deactivate_user(actor=actor, user=found)))


class ReactivateUserView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="reactivate_user", request=None, responses=OpenApiTypes.OBJECT, tags=["users"]
    )
    def post(self, request: Request, user: str) -> Response:
        actor, found = known_user(request, user)
        return Response(user_body(activation.reactivate_user(actor=actor, user=found)))


def known_user(request: Request, username: str) -> tuple[User, User]:
    """The administrator who asks, and the user; NotFound for who is no administrator."""
    actor = signed_in(request.user)
    named = actor.is_superuser and "\0" not in username
    found = User.objects.filter(username=username).first() if named else None
    if found is None:
        raise NotFound(f"there is no user {username[:150]!r}")
    return actor, found


def visible_member(request: Request, org: str, username: str) -> Membership:
    """The member for who belongs to the organization too. Raises as own_organization, MemberNotFound."""
    organization = own_organization(signed_in(request.user), org)
    membership = members.find_member(organization, username)
    membership.organization = organization
    return membership


def member_body(membership: Membership) -> dict[str, Any]:
    """Wants `user` loaded."""
    return {
        "user": membership.user.username,
        "kind": "service_account" if membership.user.service_of_id else "person",
        "name": membership.user.get_full_name(),
        "role": membership.role,
        "active": membership.user.is_active,
    }


def user_body(user: User) -> dict[str, Any]:
    return {"user": user.username, "name": user.get_full_name(), "active": user.is_active}


def plain_text(text: str) -> str:
    """A text to search for. Raises InvalidRequest for what the database does not take."""
    if "\0" in text:
        raise InvalidRequest("a text has no NUL character")
    return text[:200]
