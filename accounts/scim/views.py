"""`/scim/v2/ORG/`: Users and Groups, for the directory whose token it is."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.authentication import get_authorization_header
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Organization, ScimToken, ScimUser, Team
from accounts.scim import groups, users
from accounts.scim.errors import InvalidSyntax, InvalidValue
from accounts.scim.filters import Condition, parse_filter
from accounts.scim.patching import lowered, patched
from accounts.scim.tokens import directory_token
from accounts.scim.wire import ScimParser, ScimRenderer, chosen, error_body, group_body, list_body, user_body
from gitslice.common.problems import as_domain_error
from gitslice.common.rendering import ORJSONParser, ORJSONRenderer

DEFAULT_COUNT = 100
MAX_COUNT = 500


class ScimView(APIView):
    """Signs the directory in, and tells errors as SCIM does."""

    authentication_classes = []
    permission_classes = [AllowAny]  # the token of the directory decides, in `initial`
    parser_classes = [ScimParser, ORJSONParser]
    renderer_classes = [ScimRenderer, ORJSONRenderer]
    schema = None  # SCIM describes itself: /Schemas
    token: ScimToken

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        scheme, _, secret = get_authorization_header(request).decode("latin-1").partition(" ")
        self.token = directory_token(kwargs["org"], secret.strip() if scheme.lower() == "bearer" else "")
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        error = as_domain_error(exc)
        if error is None:
            return super().handle_exception(exc)
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
        return Response(error_body(error), status=error.status, headers=headers)

    @property
    def organization(self) -> Organization:
        return self.token.organization

    @property
    def by(self) -> str:
        """Who acts, for the audit trail."""
        return f"scim {self.token.hint}"


class UserListView(ScimView):
    def get(self, request: Request, org: str) -> Response:
        rows = users.find_users(self.organization, conditions_of(request))
        shown, total, start = cut(request, rows)
        return Response(list_body(user_bodies(self.organization, request, shown), total, start))

    def post(self, request: Request, org: str) -> Response:
        person = users.parse_person(document_of(request))
        return created(user_answer(self, request, users.create(self.organization, person, self.by)))


class UserView(ScimView):
    def get(self, request: Request, org: str, resource_id: str) -> Response:
        return user_answer(self, request, users.find_user(self.organization, resource_id))

    def put(self, request: Request, org: str, resource_id: str) -> Response:
        document = document_of(request)
        record = users.replace(self.organization, resource_id, lambda before: document, self.by)
        return user_answer(self, request, record)

    def patch(self, request: Request, org: str, resource_id: str) -> Response:
        operations = operations_of(request)
        record = users.replace(
            self.organization, resource_id, lambda before: patched(before, operations), self.by
        )
        return user_answer(self, request, record)

    def delete(self, request: Request, org: str, resource_id: str) -> Response:
        users.delete(self.organization, resource_id, self.by)
        return Response(status=204)


class GroupListView(ScimView):
    def get(self, request: Request, org: str) -> Response:
        shown, total, start = cut(request, groups.find_groups(self.organization, conditions_of(request)))
        return Response(list_body(group_bodies(self.organization, request, shown), total, start))

    def post(self, request: Request, org: str) -> Response:
        group = groups.parse_group(document_of(request))
        return created(group_answer(self, request, groups.create(self.organization, group, self.by)))


class GroupView(ScimView):
    def get(self, request: Request, org: str, resource_id: str) -> Response:
        return group_answer(self, request, groups.find_group(self.organization, resource_id))

    def put(self, request: Request, org: str, resource_id: str) -> Response:
        document = {"members": []} | lowered(document_of(request))
        team = groups.replace(self.organization, resource_id, lambda before: document, self.by)
        return group_answer(self, request, team)

    def patch(self, request: Request, org: str, resource_id: str) -> Response:
        operations = operations_of(request)
        team = groups.replace(
            self.organization, resource_id, lambda before: patched(before, operations), self.by
        )
        return group_answer(self, request, team)

    def delete(self, request: Request, org: str, resource_id: str) -> Response:
        groups.delete(self.organization, resource_id, self.by)
        return Response(status=204)


def document_of(request: Request) -> dict[str, Any]:
    if not isinstance(request.data, dict):
        raise InvalidSyntax("the body is an object")
    return request.data


def operations_of(request: Request) -> Any:
    return lowered(document_of(request)).get("operations")


def conditions_of(request: Request) -> list[Condition]:
    text = request.query_params.get("filter")
    return parse_filter(text) if text else []


def cut(request: Request, rows: QuerySet[Any]) -> tuple[list[Any], int, int]:
    """The page from `startIndex` (1 is the first), the number of all, and that index."""
    start = max(_number(request, "startIndex", 1), 1)
    count = min(max(_number(request, "count", DEFAULT_COUNT), 0), MAX_COUNT)
    return list(rows[start - 1 : start - 1 + count]), rows.count(), start


def user_bodies(
    organization: Organization, request: Request, records: list[ScimUser]
) -> list[dict[str, Any]]:
    links: Any = Team.members.through._default_manager.filter(
        team__organization=organization, user__in=[record.user_id for record in records]
    )
    teams: dict[int, list[Team]] = {}
    for link in links.select_related("team").order_by("team"):
        teams.setdefault(link.user_id, []).append(link.team)
    bodies = [user_body(organization.slug, record, teams.get(record.user_id, ())) for record in records]
    return [_chosen(request, body) for body in bodies]


def group_bodies(organization: Organization, request: Request, teams: list[Team]) -> list[dict[str, Any]]:
    members = groups.members_of_groups(organization, teams)
    bodies = [group_body(organization.slug, team, members.get(team.pk, ())) for team in teams]
    return [_chosen(request, body) for body in bodies]


def user_answer(view: ScimView, request: Request, record: ScimUser) -> Response:
    return Response(user_bodies(view.organization, request, [record])[0])


def group_answer(view: ScimView, request: Request, team: Team) -> Response:
    return Response(group_bodies(view.organization, request, [team])[0])


def created(response: Response) -> Response:
    response.status_code = 201
    response["Location"] = response.data["meta"]["location"]
    return response


def _chosen(request: Request, body: dict[str, Any]) -> dict[str, Any]:
    query = request.query_params
    return chosen(body, query.get("attributes", ""), query.get("excludedAttributes", ""))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "").strip()
    if not text:
        return default
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise InvalidValue(f"{name} is a number")
    return int(text)
