"""`gs org service-account`: users of an organization that are no person. Their tokens: `gs token --service-account`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context, organization_path, service_account_path
from gs.output import emit, say
from gs.style import ago, more, next_step, style, table


@command("list")
@paging
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
def list_accounts(ctx: Context, limit: int, cursor: str | None, org: str | None) -> None:
    """Service accounts of an organization."""
    path = f"{organization_path(org or ctx.organization())}service-accounts/"
    emit(ctx.api().get(path, limit=limit, cursor=cursor), show)


@command()
@click.argument("name")
def create(ctx: Context, name: str) -> None:
    """Make a service account; it is a member of the organization."""
    organization, own_name = ctx.parse_service_account(name)
    path = f"{organization_path(organization)}service-accounts/"
    emit(ctx.api().post(path, {"name": own_name}), show_made)


@command()
@click.argument("name")
def deactivate(ctx: Context, name: str) -> None:
    """End a service account and all its tokens."""
    organization, own_name = ctx.parse_service_account(name)
    ctx.api().delete(service_account_path(organization, own_name))
    emit(
        {"name": own_name, "organization": organization, "active": False},
        lambda data: say(f"Deactivated {organization}/{own_name} and its tokens."),
    )


def show(data: dict) -> None:
    rows = [
        [
            style(item["name"], "bold"),
            item["user"],
            "active" if item["active"] else "deactivated",
            ago(item["created_at"]),
        ]
        for item in data["items"]
    ]
    table(["name", "user", "state", "made"], rows, empty="No service accounts.")
    more(data)


def show_made(data: dict) -> None:
    say(f"Made {style(data['name'], 'bold')}; its user name is {data['user']}.")
    next_step(f"gs token create NAME --service-account {data['name']} --scope read")
