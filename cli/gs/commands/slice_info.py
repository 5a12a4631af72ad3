"""`gs slice info`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.output import emit
from gs.style import ago, fields, short, style


@command()
@click.argument("name", required=False)
def info(ctx: Context, name: str | None) -> None:
    """Definition, policy and owners of a slice (default: of this directory)."""
    emit(ctx.api().get(slice_path(*ctx.slice_or_current(name))), show)


def show(data: dict) -> None:
    policy = data.get("policy") or {}
    fields(
        [
            ("slice", style(data["slice"], "title")),
            ("description", data["description"] or None),
            ("visibility", data["visibility"]),
            ("files", f"{data['file_count']:,}"),
            ("head", short(data["head"])),
            ("definition", describe_definition(data.get("definition"))),
            ("includes", "  ".join(data["includes"])),
            ("excludes", "  ".join(data["excludes"]) or None),
            ("conflicts", policy.get("conflicts")),
            ("auto merge", policy.get("auto_merge")),
            ("approvals", policy.get("required_approvals")),
            ("overlap approvals", policy.get("overlap_approvals")),
            ("checks", ", ".join(policy.get("required_checks", [])) or None),
            ("owners", ", ".join(map(owner_name, data.get("owners") or [])) or None),
            ("my role", data.get("my_role")),
            ("pending", data["pending_changesets"]),
            ("created", ago(data.get("created_at"))),
            ("locked", style("yes", "yellow") if data.get("locked") else None),
        ]
    )


def describe_definition(definition: dict | None) -> str | None:
    return f"version {definition['version']} ({short(definition['digest'])})" if definition else None


def owner_name(owner: object) -> str:
    return owner["name"] if isinstance(owner, dict) else str(owner)
