"""Human output without a library: colours, columns, times and sizes. Text of others is cleaned of control characters."""

from __future__ import annotations

import os
import sys

from gs.output import colours, say

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Sequence

SGR = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "alarm": "1;31",
    "title": "1;36",
}

STATES = {
    "pending": "yellow",
    "in_review": "blue",
    "approved": "green",
    "merged": "magenta",
    "rejected": "red",
    "abandoned": "dim",
    "open": "red",
    "resolved": "green",
    "obsolete": "dim",
    "low": "dim",
    "medium": "yellow",
    "high": "red",
    "critical": "alarm",
    "healthy": "green",
    "conflicts": "red",
    "merging": "yellow",
    "stale": "yellow",
    "ready_for_merge": "green",
    "needs_rebase": "yellow",
    "has_conflicts": "red",
    "needs_approval": "yellow",
    "needs_checks": "yellow",
    "success": "green",
    "failure": "red",
    "closed": "dim",
}

OPS = {"add": "green", "modify": "yellow", "delete": "red", "rename": "cyan", "chmod": "blue"}


class Styled(str):
    """Text that carries its own colours; `plain` is what the eye counts."""

    plain: str


def clean(text: object) -> str:
    """`text` without control characters (a title must not steer the terminal); tab and newline stay."""
    return "".join(
        c if c in "\t\n" or (c >= " " and not "\x7f" <= c <= "\x9f") else "\ufffd" for c in str(text)
    )


def style(text: object, name: str | None) -> Styled:
    """`text`, cleaned, in a colour of SGR; without a terminal (or with an unknown name) just the text."""
    plain = clean(text)
    sgr = SGR.get(name or "")
    result = Styled(f"\x1b[{sgr}m{plain}\x1b[0m" if sgr and colours() else plain)
    result.plain = plain
    return result


def join(*parts: str) -> Styled:
    """Plain parts (cleaned) and coloured ones as one text."""
    styled = [part if isinstance(part, Styled) else style(part, None) for part in parts]
    result = Styled("".join(styled))
    result.plain = "".join(part.plain for part in styled)
    return result


def state(word: str) -> Styled:
    """A state, severity, health or readiness in its colour."""
    return style(word, STATES.get(word))


def op_mark(op: str) -> Styled:
    """One letter for an operation on a path: A M D R C."""
    return style(op[:1].upper(), OPS.get(op))


def table(headers: list[str], rows: Sequence[Sequence[object]], *, empty: str = "") -> None:
    """Columns padded to their widest cell; on a terminal the last column is cut to its width."""
    if not rows:
        say(style(empty, "dim"))
        return
    cells = [[cell if isinstance(cell, Styled) else style(cell, None) for cell in row] for row in rows]
    head = [style(name.upper(), "dim") for name in headers]
    widths = [max(len(row[i].plain) for row in [head, *cells]) for i in range(len(headers))]
    room = _room(widths)
    for row in [head, *cells]:
        line = "".join(
            cell + " " * (width - len(cell.plain) + 2)
            for cell, width in zip(row[:-1], widths[:-1], strict=True)
        )
        say((line + _cut(row[-1], room)).rstrip())


def _room(widths: list[int]) -> int:
    """Characters left for the last column; 0: no limit."""
    if not sys.stdout.isatty():
        return 0
    columns = os.get_terminal_size(sys.stdout.fileno()).columns
    return max(columns - sum(widths[:-1]) - 2 * (len(widths) - 1), 16) if columns else 0


def _cut(cell: Styled, room: int) -> str:
    return cell.plain[: room - 1] + "…" if room and len(cell.plain) > room else cell


def fields(pairs: list[tuple[str, object]]) -> None:
    """`name  value` lines; pairs with None are left out."""
    shown = [(name, value) for name, value in pairs if value is not None]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        text = value if isinstance(value, Styled) else clean(value)
        say(f"{style(name.ljust(width), 'dim')}  {text}")


def next_step(text: str) -> None:
    """What one would do next, after the result."""
    from gs.context import advice

    say(style(f"→ {advice(text)}", "dim"))


def short(commit: str | None) -> str:
    """A commit's first 12 digits, as people write it."""
    return commit[:12] if commit else "none"


def plural(count: int, word: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def size(count: int | None) -> str:
    """Bytes for people: `0 B`, `1.5 KiB`, `2.0 GiB`."""
    if count is None:
        return "-"
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{int(value)} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def ago(time: str | None) -> str:
    """An ISO 8601 time as `3 minutes ago`; dates older than a month stay dates; None is `-`."""
    if not time:
        return "-"
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(time)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - moment).total_seconds()
    if seconds < 0:
        return moment.strftime("%Y-%m-%d %H:%M")
    for limit, step, word in (
        (60, 1, "second"),
        (3600, 60, "minute"),
        (86400, 3600, "hour"),
        (30 * 86400, 86400, "day"),
    ):
        if seconds < limit:
            return "just now" if word == "second" else f"{plural(int(seconds // step), word)} ago"
    return moment.strftime("%Y-%m-%d")


def more(data: dict) -> None:
    """After a list: how to get its next page."""
    if data.get("next_cursor"):
        next_step(f"more with --cursor {data['next_cursor']}")
