"""`gs global merge`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gs.cli import command
from gs.clicks import click
from gs.commands.global_log import show_landed
from gs.context import Context, global_path
from gs.errors import GsError
from gs.output import emit, info, say
from gs.style import next_step, plural, short, style

if TYPE_CHECKING:
    from gs.http import Api

SHOWN = 50  # commits
POLL = 1  # seconds between two tries with --wait


@command()
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
@click.option(
    "--max-commits", type=click.IntRange(min=1), metavar="N", help="At most so many, the oldest first."
)
@click.option(
    "--slice",
    "slices",
    multiple=True,
    metavar="SLICE",
    help="Only this slice and what it depends on; repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would happen.")
@click.option("--wait", is_flag=True, help="Wait while another batch merge runs.")
def merge(
    ctx: Context, org: str | None, max_commits: int | None, slices: tuple[str, ...], dry_run: bool, wait: bool
) -> None:
    """Merge what has landed into the global state now."""
    organization = ctx.named_organization(org)
    body: dict = {"dry_run": dry_run, "slices": [_own(ctx, name, organization) for name in slices]}
    if max_commits:
        body["max_commits"] = max_commits
    path = f"{global_path(organization)}merge/"
    data = post(ctx.api(), path, body, wait)
    if not dry_run and not max_commits and not slices:
        data = _the_rest(ctx.api(), path, body, wait, data)
    emit(data, show)


def post(api: Api, path: str, body: dict, wait: bool) -> dict:
    told = False
    while True:
        try:
            return api.post(path, body)
        except GsError as error:
            if error.code != "merge_running" or not wait:
                raise
            if not told:
                info("Another batch merge is running; waiting (Ctrl-C stops waiting).")
                told = True
        time.sleep(POLL)


def _own(ctx: Context, name: str, organization: str) -> str:
    found, slice = ctx.parse_slice(name) if "/" in name else (organization, name)
    if found != organization:
        raise GsError("usage", f"{name} is not a slice of {organization}")
    return slice


def _the_rest(api: Api, path: str, body: dict, wait: bool, data: dict) -> dict:
    """A batch has its limits: go on while it left something, and sum up."""
    while data["pending_commits"]:
        info(
            f"g{data['number']}: {plural(data['merged_commits'], 'commit')}, {data['pending_commits']:,} to go"
        )
        more = post(api, path, body, wait)
        if not more["merged_commits"]:
            break
        data = more | {
            "merged_commits": data["merged_commits"] + more["merged_commits"],
            "files": data["files"] + more["files"],
            "slices": sorted({*data["slices"], *more["slices"]}),
            "commits": data["commits"] + more["commits"],
        }
    return data


def show(data: dict) -> None:
    if not data["merged_commits"]:
        at = f": g{data['number']} has all that landed" if data["number"] else ""
        others = f" of what you named; {plural(data['pending_commits'], 'commit')} of other slices do"
        say(f"Nothing waits{others if data['pending_commits'] else at}.")
        return
    what = f"{plural(data['merged_commits'], 'commit')}, {plural(data['files'], 'path')}"
    if data["dry_run"]:
        say(f"{style('g' + str(data['number']), 'bold')} would hold {what}; tree {short(data['tree'])}")
    else:
        say(f"{style('g' + str(data['number']), 'bold')} {short(data['commit'])}: {what}")
    needed = [row for row in data["commits"] if row["pulled_in"]]
    asked = [row for row in data["commits"] if not row["pulled_in"]]
    show_landed(asked[:SHOWN])
    if len(asked) > SHOWN:
        say(style(f"and {plural(len(asked) - SHOWN, 'commit')} more", "dim"))
    if needed:
        say(f"{plural(len(needed), 'commit')} of other slices come along, since these depend on them:")
        show_landed(needed)
    if data["pending_commits"]:
        say(style(f"{plural(data['pending_commits'], 'commit')} still wait", "dim"))
    if data["dry_run"]:
        next_step("the same without --dry-run does it")
