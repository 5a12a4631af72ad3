"""The command tree. Modules are imported when their command runs (or for `--help`, which lists summaries).

How to write a command, in `gs/commands/<name>.py`:

    from gs.clicks import click
    from gs.cli import command
    from gs.output import emit, say

    @command()                                   # adds --json, --quiet, --help
    @click.argument("name")
    @click.option("--limit", default=50, help="...")
    def list_things(ctx, name, limit):           # ctx: gs.context.Context
        "One line that help shows."
        data = ctx.api().get("things/", limit=limit)
        emit(data, render)                       # exactly once
                                                 # return None, or an exit code

and name it in a table below. Raise GsError; never print errors, never call sys.exit. A module that must be importable
without click (`status` and `submit`, for the fast lane of gs.main) exposes `declare() -> click.Command` instead of a command.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

from click.exceptions import Exit, NoArgsIsHelpError

from gs import __version__, output
from gs.clicks import DRESSED, click
from gs.context import Context
from gs.errors import GsError

Target = str | Callable[[], click.Command]  # `module:attribute` below gs.commands, or what makes a group

SLICE = {
    "list": "slice_list:list_slices",
    "create": "slice_create:create",
    "info": "slice_info:info",
    "status": "slice_status:status",
    "owners": "slice_owners:owners",
    "role": "slice_role:role",
    "edit": "slice_edit:edit",
    "overlaps": "slice_overlaps:overlaps",
    "checkout": "slice_checkout:checkout",
}
CHANGESET = {
    "list": "changeset_list:list_changesets",
    "show": "changeset_show:show",
    "create": "changeset_create:create",
    "update": "changeset_update:update",
    "review": "changeset_review:review",
    "approve": "changeset_verdict:approve",
    "reject": "changeset_verdict:reject",
    "comment": "changeset_comment:comment",
    "merge": "changeset_merge:merge",
    "rebase": "changeset_rebase:rebase",
    "abandon": "changeset_abandon:abandon",
}
CONFLICT = {
    "list": "conflict_list:list_conflicts",
    "show": "conflict_show:show",
    "resolve": "conflict_resolve:resolve",
    "history": "conflict_history:history",
    "watch": "conflict_watch:watch",
}
GLOBAL = {
    "status": "global_status:status",
    "log": "global_log:log",
    "show": "global_show:show",
    "merge": "global_merge:merge",
    "tag": "global_tag:tag",
    "revert": "revert:revert_global",
    "stats": "global_stats:stats",
}
EXPORT = {"dir": "export:directory", "archive": "export_archive:archive"}
AUTH = {name: f"auth:{name}" for name in ("login", "status", "logout", "token")}
CONFIG = {
    "list": "config:list_settings",
    "get": "config:get",
    "set": "config:set_setting",
    "unset": "config:unset",
}
TEAM = {
    "list": "team:list_teams",
    "show": "team:show",
    "create": "team:create",
    "edit": "team:edit",
    "delete": "team:delete",
    "add": "team:add",
    "remove": "team:remove",
}
TOKEN = {"list": "token:list_tokens", "create": "token:create", "revoke": "token:revoke"}
SERVICE_ACCOUNT = {
    "list": "service_account:list_accounts",
    "create": "service_account:create",
    "deactivate": "service_account:deactivate",
}

PANELS = {
    "Work in a directory": ["init", "status", "diff", "pull", "submit"],
    "Review and land": ["changeset", "conflict", "revert"],
    "Look around": ["slice", "log", "show", "blame", "search", "root", "fork", "browse"],
    "The whole tree": ["global", "import", "export"],
    "Set up": ["auth", "config", "org", "team", "token", "cache", "completion", "docs"],
}


def panels() -> list:
    """The boxes in which `gs --help` shows commands."""
    return [click.RichCommandPanel(title, commands=names) for title, names in PANELS.items()]


Group: Any = click.RichGroup if DRESSED else click.Group


class LazyGroup(Group):
    """A group whose commands are `module:attribute` below gs.commands, or groups made by a function."""

    def __init__(self, *args: Any, table: Mapping[str, Target], **settings: Any):
        super().__init__(*args, **settings)
        self.table = table

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, name: str) -> click.Command | None:
        target = self.table.get(name)
        return load(target) if isinstance(target, str) else target() if target else None


def load(target: str) -> click.Command:
    """The command behind `module:attribute`; `declare` is called to make it."""
    module, _, attribute = target.partition(":")
    found = getattr(importlib.import_module(f"gs.commands.{module}"), attribute)
    return found() if attribute == "declare" else found


def command(name: str | None = None, **settings: Any) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a click command of `function(ctx: Context, **options) -> int | None`, with `--json` and `--quiet`."""

    def decorate(function: Callable[..., int | None]) -> click.Command:
        import functools

        @functools.wraps(function)
        def invoke_with_context(json: bool, quiet: bool, **options: Any) -> int:
            output.configure(json=json, quiet=quiet)
            return function(Context(json=json, quiet=quiet), **options) or 0

        own = vars(invoke_with_context).pop("__click_params__", [])
        for flag in (
            click.option("--quiet", "-q", is_flag=True, help="No remarks, no progress."),
            click.option("--json", is_flag=True, help="Print one JSON document."),
        ):
            flag(invoke_with_context)
        vars(invoke_with_context)["__click_params__"] += (
            own  # click reverses the list: our two flags come last
        )
        settings.setdefault("context_settings", {"help_option_names": ["--help", "-h"]})
        return click.command(name, **settings)(invoke_with_context)

    return decorate


def paging(function: Callable) -> Callable:
    """`--limit` and `--cursor` for a list."""
    cursor = click.option("--cursor", metavar="CURSOR", help="Go on where a list ended (its next_cursor).")
    limit = click.option(
        "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Items at most."
    )
    return limit(cursor(function))


def group(name: str, table: Mapping[str, Target], summary: str) -> Callable[[], LazyGroup]:
    """A function that makes the group `name`, for the table of the group above."""
    return lambda: LazyGroup(name, table=table, help=summary, short_help=summary)


def program() -> LazyGroup:
    """The whole tree."""
    table: dict[str, Target] = {
        "init": "init:init",
        "status": "status:declare",
        "diff": "diff:diff",
        "pull": "pull:pull_command",
        "submit": "submit:declare",
        "changeset": group("changeset", CHANGESET, "Propose, review and land changes."),
        "conflict": group("conflict", CONFLICT, "See and resolve conflicts with other teams."),
        "slice": group("slice", SLICE, "Find, make and edit slices."),
        "global": group("global", GLOBAL, "The state of the whole tree: batch merges, history, tags."),
        "revert": "revert:revert",
        "log": "log:log",
        "show": "show:show",
        "blame": "blame:blame",
        "search": "search:search",
        "root": "root:root",
        "fork": "fork:fork",
        "browse": "browse:browse",
        "import": group("import", {"dir": "import_:directory"}, "Bring existing files into a slice."),
        "export": group("export", EXPORT, "Write the tree of a tag or commit, or a slice."),
        "auth": group("auth", AUTH, "Sign in and out."),
        "config": group("config", CONFIG, "Read and change settings."),
        "org": group("org", ORG, "Organizations and who is in them."),
        "team": group("team", TEAM, "Teams of an organization."),
        "token": group("token", TOKEN, "API tokens."),
        "cache": group("cache", CACHE, "The object cache of this machine."),
        "completion": "completion:completion",
        "docs": "docs:docs",
    }
    main = LazyGroup(
        "gs",
        table=table,
        help="Version control for monorepos: check out, change, review and land a slice of the tree.",
        context_settings={"help_option_names": ["--help", "-h"]},
        **({"panels": panels()} if DRESSED else {}),
    )
    flag = click.option(
        "--server", is_flag=True, expose_value=False, help="With --version: the server's too."
    )
    return click.version_option(__version__, prog_name="gs", message="%(prog)s %(version)s")(flag(main))


ORG: dict[str, Target] = {
    "list": "org:list_organizations",
    "members": "org_members:members",
    "invite": "org_invitations:invite",
    "invitations": "org_invitations:invitations",
    "role": "org_members:role",
    "remove": "org_members:remove",
    "deactivate": "org_members:deactivate",
    "reactivate": "org_members:reactivate",
    "service-account": group("service-account", SERVICE_ACCOUNT, "Machines that use the organization."),
}
CACHE = {name: f"cache:{name}" for name in ("stats", "clear", "verify")}


def invoke(arguments: list[str]) -> int:
    """Parse and run; the exit code. click's own exceptions become GsError or codes here."""
    main = program()
    if "_GS_COMPLETE" in os.environ:
        main.main(args=arguments, prog_name="gs", complete_var="_GS_COMPLETE")
    if not arguments:
        arguments = ["--help"]
    try:
        with main.make_context("gs", list(arguments)) as ctx:
            return main.invoke(ctx) or 0
    except Exit as stop:
        return stop.exit_code
    except NoArgsIsHelpError as error:
        return _missing_command(error)
    except click.UsageError as error:
        raise _usage(error) from error
    except click.Abort as error:
        raise KeyboardInterrupt from error
    except click.ClickException as error:
        raise GsError("failed", error.format_message()) from error


def _missing_command(error: NoArgsIsHelpError) -> int:
    path = error.ctx.command_path
    if output.wants_json():
        raise GsError("usage", f"{path} needs a command", f"{path} --help") from error
    sys.stderr.write(error.ctx.get_help() + "\n")
    return 64


def _usage(error: click.UsageError) -> GsError:
    path = error.ctx.command_path if error.ctx else "gs"
    return GsError("usage", error.format_message(), f"{path} --help")
