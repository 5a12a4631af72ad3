"""`orgs/ORG/invitations/`, for owners and admins; `invitations/accept/`, for whom they were sent to."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import administered_organization, signed_in
from accounts.api.members import member_body
from accounts.idempotency import idempotent
from accounts.models import Invitation, Membership
from accounts.people import invitations
from accounts.people.errors import InvitationNotFound
from accounts.scopes import ADMIN, READ
from gitslice.common.pagination import Page, listing, whole_key


class NewInvitation(serializers.Serializer[Any]):
    email = serializers.CharField(max_length=254)
    role = serializers.ChoiceField(choices=Membership.Role.values, default=Membership.Role.MEMBER)


class Acceptance(serializers.Serializer[Any]):
    token = serializers.CharField(max_length=100, help_text="the last part of the link")


class InvitationListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_invitations", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str) -> Response:
        """Those that are neither accepted nor revoked."""
        organization = administered_organization(request.user, org)
        page = Page(request.query_params)
        rows = organization.invitations.pending().select_related("invited_by").order_by("pk")
        if page.after is not None:
            rows = rows.filter(pk__gt=whole_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda invitation: invitation.pk)
        return Response(listing(map(invitation_body, shown), cursor))

    @extend_schema(
        operation_id="invite", request=NewInvitation, responses={201: OpenApiTypes.OBJECT}, tags=["orgs"]
    )
    def post(self, request: Request, org: str) -> Response:
        """Mail a link to join. Nothing tells whether the address has an account here."""
        organization = administered_organization(request.user, org)
        body = NewInvitation(data=request.data)
        body.is_valid(raise_exception=True)

        def perform() -> tuple[int, dict[str, Any]]:
            made = invitations.invite(
                actor=signed_in(request.user), organization=organization, **body.validated_data
            )
            return 201, invitation_body(made)

        return idempotent(request, repr(sorted(body.validated_data.items())).encode(), perform)


class InvitationView(APIView):
    scopes = {"DELETE": ADMIN}

    @extend_schema(operation_id="revoke_invitation", responses={204: None}, tags=["orgs"])
    def delete(self, request: Request, org: str, invitation_id: int) -> Response:
        invitation = administered_invitation(request, org, invitation_id)
        invitations.revoke(actor=signed_in(request.user), invitation=invitation)
        return Response(status=204)


class ResendView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="resend_invitation", request=None, responses=OpenApiTypes.OBJECT, tags=["orgs"]
    )
    def post(self, request: Request, org: str, invitation_id: int) -> Response:
        """Mail a new link, good for another 7 days; the one before is dead."""
        invitation = administered_invitation(request, org, invitation_id)

        def perform() -> tuple[int, dict[str, Any]]:
            sent = invitations.resend(actor=signed_in(request.user), invitation=invitation)
            return 200, invitation_body(sent)

        return idempotent(request, b"", perform)


class AcceptView(APIView):
    scopes = {"POST": ADMIN}

    @extend_schema(
        operation_id="accept_invitation", request=Acceptance, responses=OpenApiTypes.OBJECT, tags=["orgs"]
    )
    def post(self, request: Request) -> Response:
        """Join with the account that asks."""
        user = signed_in(request.user)
        body = Acceptance(data=request.data)
        body.is_valid(raise_exception=True)

        def perform() -> tuple[int, dict[str, Any]]:
            membership = invitations.accept(user=user, token=body.validated_data["token"])
            return 200, {"organization": membership.organization.slug} | member_body(membership)

        return idempotent(request, body.validated_data["token"].encode(), perform)


def administered_invitation(request: Request, org: str, invitation_id: int) -> Invitation:
    """Raises as administered_organization, InvitationNotFound."""
    organization = administered_organization(request.user, org)
    rows = organization.invitations.pending().select_related("organization", "invited_by")
    invitation = rows.filter(pk=invitation_id).first()
    if invitation is None:
        raise InvitationNotFound(f"{org} has no open invitation {invitation_id}")
    return invitation


def invitation_body(invitation: Invitation) -> dict[str, Any]:
    """Of one that is pending; wants `invited_by` loaded."""
    return {
        "id": invitation.pk,
        "email": invitation.email,
        "role": invitation.role,
        "state": "expired" if invitation.expires_at <= timezone.now() else "open",
        "invited_by": invitation.invited_by.username if invitation.invited_by else None,
        "created_at": invitation.created_at.isoformat(),
        "expires_at": invitation.expires_at.isoformat(),
    }
