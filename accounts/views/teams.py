"""Teams of an organization, and the page of one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.api.access import signed_in
from accounts.models import Organization, Team
from accounts.people import teams as services
from accounts.people.belonging import members_of
from accounts.views.frame import field, framed, shown_organization
from gitslice.common.errors import DomainError
from gitslice.common.pages import performed
from gitslice.common.pagination import Page, text_key

MAX_PARENTS = 500  # that one may choose from
MAX_SLICES = 200


@require_http_methods(["GET", "HEAD", "POST"])
def all_teams(request: HttpRequest, org: str) -> HttpResponse:
    """All teams, and making one."""
    organization = shown_organization(request, org)
    form = {name: request.POST.get(name, "") for name in ("slug", "name", "parent")}
    context: dict[str, Any] = {"form": form}
    status = 200
    if request.method == "POST":
        try:
            made = services.create_team(
                actor=signed_in(request.user),
                organization=organization,
                slug=form["slug"].strip(),
                name=form["name"].strip(),
                parent=_parent(organization, form["parent"]),
            )
        except DomainError as error:
            context["error"], status = error, error.status
        else:
            messages.success(request, f"The team {made.slug} is ready.")
            return HttpResponseRedirect(_page(org, made.slug))
    page = Page(request.GET)
    rows = services.find_teams(organization)
    if page.after is not None:
        rows = rows.filter(slug__gt=text_key(page.after))
    shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda team: team.slug)
    context |= {"teams": shown, "next_cursor": cursor, "parents": _possible_parents(organization)}
    context = framed(request, organization, "teams", **context)
    return render(request, "accounts/teams.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, org: str, slug: str) -> HttpResponse:
    """Who is in a team, its place and its slices; owners and admins change it here."""
    organization = shown_organization(request, org)
    shown = services.find_team(organization, slug)
    form = {"slug": shown.slug, "name": shown.name, "parent": shown.parent.slug if shown.parent else ""}
    context: dict[str, Any] = {}
    status = 200
    if request.method == "POST":
        form = {name: request.POST.get(name, "").strip() for name in form}
        try:
            changed = services.change_team(
                actor=signed_in(request.user),
                team=shown,
                slug=form["slug"],
                name=form["name"],
                parent=_parent(organization, form["parent"]),
            )
        except DomainError as error:
            context["error"], status = error, error.status
        else:
            messages.success(request, f"The team {changed.slug} is changed.")
            return HttpResponseRedirect(_page(org, changed.slug))
    page = Page(request.GET)
    people = members_of(shown)
    if page.after is not None:
        people = people.filter(username__gt=text_key(page.after))
    members, cursor = page.cut(list(people[: page.limit + 1]), lambda user: user.username)
    children = list(shown.children.order_by("slug"))
    context |= {
        "team": shown,
        "children": children,
        "parents": [] if children else [row for row in _possible_parents(organization) if row != shown],
        "members": members,
        "next_cursor": cursor,
        "slices": _slices(request, shown),
        "form": form,
    }
    return render(
        request, "accounts/team.html", framed(request, organization, "teams", **context), status=status
    )


@require_POST
def delete(request: HttpRequest, org: str, slug: str) -> HttpResponse:
    shown = services.find_team(shown_organization(request, org), slug)

    def mutate() -> str:
        services.delete_team(actor=signed_in(request.user), team=shown)
        return f"The team {slug} is deleted."

    return performed(request, reverse("people:teams", args=[org]), mutate)


@require_POST
def add(request: HttpRequest, org: str, slug: str) -> HttpResponse:
    """Take members of the organization in, by name, several separated by commas or blanks."""
    shown = services.find_team(shown_organization(request, org), slug)

    def mutate() -> str:
        names = field(request, "users").replace(",", " ").split()
        users = services.find_people(shown.organization, names)
        services.add_to_team(actor=signed_in(request.user), team=shown, users=users)
        return f"{', '.join(names) or 'Nobody'} joined {slug}."

    return performed(request, _page(org, slug), mutate)


@require_POST
def remove(request: HttpRequest, org: str, slug: str) -> HttpResponse:
    shown = services.find_team(shown_organization(request, org), slug)

    def mutate() -> str:
        users = services.find_people(shown.organization, [field(request, "user")])
        services.remove_from_team(actor=signed_in(request.user), team=shown, users=users)
        return f"{users[0].username} is no longer in {slug}."

    return performed(request, _page(org, slug), mutate)


def _parent(organization: Organization, slug: str) -> Team | None:
    return services.find_team(organization, slug) if slug else None


def _possible_parents(organization: Organization) -> Any:
    return organization.teams.filter(parent=None).order_by("slug")[:MAX_PARENTS]


def _slices(request: HttpRequest, team: Team) -> list[Any]:
    """The team's roles in slices that the reader may see. Slices are of a later app: asked for by way of the relation."""
    roles = team.slice_roles  # type: ignore[attr-defined]
    slices: Any = roles.model._meta.get_field("slice").related_model._default_manager
    held = (
        roles.filter(slice__in=slices.visible_to(request.user))
        .select_related("slice__organization")
        .order_by("slice__name")
    )
    return list(held[:MAX_SLICES])


def _page(org: str, slug: str) -> str:
    return reverse("people:team", args=[org, slug])
