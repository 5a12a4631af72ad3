"""`gs changeset show`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, changeset_path
from gs.diffview import print_files
from gs.output import emit, say
from gs.style import ago, clean, fields, next_step, plural, short, state, style


@command()
@click.argument("changeset", metavar="[ID]", required=False)
def show(ctx: Context, changeset: str | None) -> None:
    """One changeset: state, patchsets, files, reviews (default: of this directory)."""
    emit(ctx.api().get(changeset_path(*ctx.parse_changeset(changeset))), show_changeset)


def show_changeset(data: dict) -> None:
    say(f"{style(data['changeset'], 'title')}  {style(data['title'], 'bold')}")
    fields(
        [
            ("state", state(data["state"])),
            ("slice", data["slice"]),
            ("author", data["author"]),
            ("created", ago(data["created_at"])),
            ("base", short(data["base"])),
            ("commit", short(data["commit"]) if data["commit"] else None),
            ("reviewers", ", ".join(data["reviewers"]) or None),
            ("conflicts", style(data["conflicts"], "red") if data.get("conflicts") else None),
            ("reason", data.get("closed_reason") or None),
        ]
    )
    if data["description"]:
        say()
        say(clean(data["description"]))
    say()
    say(style("Patchsets", "bold"))
    for patchset in data["patchsets"]:
        say(f"  {describe_patchset(patchset)}")
    say(style(f"Files ({data['file_count']:,})", "bold"))
    print_files(data["files"])
    if data["file_count"] > len(data["files"]):
        say(style(f"  and {data['file_count'] - len(data['files']):,} more", "dim"))
    if data["reviews"]:
        say(style("Reviews", "bold"))
        for review in data["reviews"]:
            say(f"  {describe_review(review)}")
    if data["state"] in ("pending", "in_review", "approved"):
        next_step(f"gs changeset review {data['changeset']} --diff")


def describe_patchset(patchset: dict) -> str:
    message = f": {patchset['message']}" if patchset.get("message") else ""
    return clean(
        f"{patchset['number']}  {patchset['author']}, {ago(patchset['created_at'])}, {patchset['origin']}, "
        f"{plural(patchset['file_count'], 'file')} on {short(patchset['base'])}{message}"
    )


def describe_review(review: dict) -> str:
    colour = "green" if review["verdict"] == "approve" else "red"
    body = f": {review['body']}" if review["body"] else ""
    where = f"patchset {review['patchset']}, {ago(review['time'])}"
    return f"{style(review['verdict'], colour)}  {clean(review['reviewer'])}, {where}{clean(body)}"
