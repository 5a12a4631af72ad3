"""What people read of settings: the tables of docs/configuration.md, and what is in force in an installation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gitslice.configuration.declared import SECTIONS, SETTINGS, Setting
from gitslice.configuration.reading import Configuration

BEGIN, END = "<!-- made by `make configuration.update` -->", "<!-- end -->"
HIDDEN = "[hidden]"
SECRET_IN_QUERY = re.compile(r"([?&][^=&]*(?:pass|key|secret|token)[^=&]*=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True)
class InForce:
    name: str
    value: str
    origin: str


def with_tables(page: str) -> str:
    """The page with its tables made anew. Raises ValueError for a page without a place for them."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the page has no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    return "\n".join(
        f"### {section.title}\n\n| setting | is | default | meaning |\n|---|---|---|---|\n"
        + "".join(_row(setting) for setting in section.settings)
        for section in SECTIONS
    )


def _row(setting: Setting) -> str:
    default = setting.made or (f"`{setting.default}`" if setting.default else "")
    secret = " **secret**" if setting.secret else ""
    return f"| `{setting.name}` | {_range(setting)}{secret} | {default} | {setting.doc} |\n"


def _range(setting: Setting) -> str:
    kind = setting.kind
    unit = f", {setting.unit}" if setting.unit else ""
    if kind.name == "one of":
        return kind.expected
    if setting.most is not None:
        return f"{kind.name} {setting.least} to {setting.most}{unit}"
    return f"{kind.name}{unit}" + (f", at least {setting.least}" if setting.least is not None else "")


def in_force(found: Configuration) -> list[InForce]:
    """Every setting as an administrator would write it, without secrets."""
    return [
        InForce(name, _shown(setting, found[name]), found.origins[name]) for name, setting in SETTINGS.items()
    ]


def _shown(setting: Setting, value: Any) -> str:
    if value in (None, "", []):
        return ""
    if setting.secret and setting.kind.name == "URL":
        return without_password(str(value))
    if setting.secret:
        return HIDDEN
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list):
        return ",".join(f"{item[0]}:{item[1]}" if isinstance(item, tuple) else str(item) for item in value)
    return without_password(str(value))


def without_password(url: str) -> str:
    """All before the last @ is left out, for nobody knows which characters a wrong password has."""
    return SECRET_IN_QUERY.sub(rf"\1{HIDDEN}", re.sub(r"://.*@", f"://{HIDDEN}@", url))
