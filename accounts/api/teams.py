"""`teams/ORG/`: shown to members of the organization, changed by owners and admins."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import own_organization, signed_in
from accounts.api.members import user_body
from accounts.idempotency import idempotent
from accounts.models import Organization, Team
from accounts.people import teams
from accounts.people.belonging import members_of
from accounts.scopes import ADMIN, READ
from gitslice.common.pagination import Page, listing, text_key


class NewTeam(serializers.Serializer[Any]):
    team = serializers.CharField(max_length=64, help_text="its name in addresses and in team:NAME")
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    parent = serializers.CharField(  # type: ignore[assignment]
        max_length=64, required=False, allow_null=True, default=None
    )
    members = serializers.ListField(child=serializers.CharField(max_length=150), required=False, default=list)


class TeamChange(serializers.Serializer[Any]):
    team = serializers.CharField(max_length=64, required=False)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    parent = serializers.CharField(  # type: ignore[assignment]
        max_length=64, required=False, allow_null=True, help_text="null: the team stands alone"
    )


class TeamMember(serializers.Serializer[Any]):
    user = serializers.CharField(max_length=150)


class TeamListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_teams", responses=OpenApiTypes.OBJECT, tags=["teams"])
    def get(self, request: Request, org: str) -> Response:
        organization = own_organization(signed_in(request.user), org)
        page = Page(request.query_params)
        rows = teams.find_teams(organization)
        if page.after is not None:
            rows = rows.filter(slug__gt=text_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda team: team.slug)
        return Response(listing(map(team_body, shown), cursor))

    @extend_schema(
        operation_id="create_team", request=NewTeam, responses={201: OpenApiTypes.OBJECT}, tags=["teams"]
    )
    def post(self, request: Request, org: str) -> Response:
        actor = signed_in(request.user)
        organization = own_organization(actor, org)
        body = NewTeam(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data

        def perform() -> tuple[int, dict[str, Any]]:
            team = teams.create_team(
                actor=actor,
                organization=organization,
                slug=wanted["team"],
                name=wanted["name"],
                parent=_parent(organization, wanted["parent"]),
                members=teams.find_people(organization, wanted["members"]),
            )
            return 201, _counted_body(team)

        return idempotent(request, repr(sorted(wanted.items())).encode(), perform)


class TeamView(APIView):
    scopes = {"GET": READ, "PATCH": ADMIN, "DELETE": ADMIN}

    @extend_schema(operation_id="get_team", responses=OpenApiTypes.OBJECT, tags=["teams"])
    def get(self, request: Request, org: str, team: str) -> Response:
        return Response(_counted_body(visible_team(request, org, team)))

    @extend_schema(
        operation_id="change_team", request=TeamChange, responses=OpenApiTypes.OBJECT, tags=["teams"]
    )
    def patch(self, request: Request, org: str, team: str) -> Response:
        found = visible_team(request, org, team)
        body = TeamChange(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = dict(body.validated_data)
        if "team" in wanted:
            wanted["slug"] = wanted.pop("team")
        if "parent" in wanted:
            wanted["parent"] = _parent(found.organization, wanted["parent"])
        changed = teams.change_team(actor=signed_in(request.user), team=found, **wanted)
        return Response(_counted_body(changed))

    @extend_schema(operation_id="delete_team", responses={204: None}, tags=["teams"])
    def delete(self, request: Request, org: str, team: str) -> Response:
        """With its roles on slices; teams below it stand alone."""
        teams.delete_team(actor=signed_in(request.user), team=visible_team(request, org, team))
        return Response(status=204)


class TeamMemberListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_team_members", responses=OpenApiTypes.OBJECT, tags=["teams"])
    def get(self, request: Request, org: str, team: str) -> Response:
        """Members of teams below count as members: `through` names those teams; it is empty for the team's own."""
        found = visible_team(request, org, team)
        page = Page(request.query_params)
        rows = members_of(found)
        if page.after is not None:
            rows = rows.filter(username__gt=text_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda user: user.username)
        return Response(listing(map(_member_body, shown), cursor))

    @extend_schema(
        operation_id="add_team_member", request=TeamMember, responses=OpenApiTypes.OBJECT, tags=["teams"]
    )
    def post(self, request: Request, org: str, team: str) -> Response:
        found = visible_team(request, org, team)
        body = TeamMember(data=request.data)
        body.is_valid(raise_exception=True)

        def perform() -> tuple[int, dict[str, Any]]:
            users = teams.find_people(found.organization, [body.validated_data["user"]])
            teams.add_to_team(actor=signed_in(request.user), team=found, users=users)
            return 200, _counted_body(found)

        return idempotent(request, body.validated_data["user"].encode(), perform)


class TeamMemberView(APIView):
    scopes = {"DELETE": ADMIN}

    @extend_schema(operation_id="remove_team_member", responses={204: None}, tags=["teams"])
    def delete(self, request: Request, org: str, team: str, user: str) -> Response:
        found = visible_team(request, org, team)
        users = teams.find_people(found.organization, [user])
        teams.remove_from_team(actor=signed_in(request.user), team=found, users=users)
        return Response(status=204)


def visible_team(request: Request, org: str, slug: str) -> Team:
    """Raises as own_organization, TeamNotFound."""
    return teams.find_team(own_organization(signed_in(request.user), org), slug)


def team_body(team: Team) -> dict[str, Any]:
    """Of a team of `find_teams`."""
    return {
        "organization": team.organization.slug,
        "team": team.slug,
        "name": team.name,
        "parent": team.parent.slug if team.parent else None,
        "member_count": team.member_count,  # type: ignore[attr-defined]
    }


def _member_body(user: Any) -> dict[str, Any]:
    """Of a user of `members_of`."""
    return user_body(user) | {"own": user.own, "through": user.through}


def _counted_body(team: Team) -> dict[str, Any]:
    counted = teams.find_teams(team.organization).get(pk=team.pk)
    below = counted.children.order_by("slug").values_list("slug", flat=True)
    return team_body(counted) | {"children": list(below)}


def _parent(organization: Organization, slug: str | None) -> Team | None:
    return teams.find_team(organization, slug) if slug else None
