"""Reading settings: the environment, then the file that GITSLICE_CONFIG names, then defaults; all wrong ones at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from gitslice.configuration.declared import OTHERS, SETTINGS, Setting

FILE_SETTING = "GITSLICE_CONFIG"
SUFFIX = "_FILE"
DEFAULT = "default"
_warned: set[str] = set()
MAX_SECRET = 64 << 10  # bytes of a file that holds a secret


class WrongSettings(Exception):
    """Settings that are missing or wrong: one line each, which names the setting and what is expected."""

    def __init__(self, problems: list[str], warnings: Sequence[str] = ()) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.warnings = warnings


@dataclass
class Configuration:
    """Values by name, and where each comes from. `given` are the texts of what somebody set."""

    given: dict[str, str] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def is_given(self, name: str) -> bool:
        return name in self.given

    def public(self) -> dict[str, Any]:
        """Ours that are no secrets."""
        ours = (name for name in self.values if name.startswith("GITSLICE_"))
        return {name: self.values[name] for name in ours if not SETTINGS[name].secret}

    def use(self, name: str, value: Any, origin: str) -> None:
        """What the system finds by itself where nobody set anything."""
        self.values[name], self.origins[name] = value, origin


def read(environment: Mapping[str, str] | None = None) -> Configuration:
    """Raises WrongSettings with everything that is wrong."""
    environment = os.environ if environment is None else environment
    found = Configuration()
    _take(found, environment, "environment")
    if path := environment.get(FILE_SETTING):
        _take(found, _file(found, path), path)
    found.warnings += [_unknown(name) for name in sorted(environment) if is_strange(name)]
    for setting in SETTINGS.values():
        _parse(found, setting)
    _require_pairs(found)
    if found.problems:
        raise WrongSettings(found.problems, found.warnings)
    return found


def read_or_stop() -> Configuration:
    """For programs: warnings on stderr, and an end with `error: ...` lines and status 1."""
    try:
        found = read()
    except WrongSettings as wrong:
        stop(wrong)
    _warn(found.warnings)
    return found


def stop(wrong: WrongSettings) -> NoReturn:
    _warn(wrong.warnings)
    sys.exit("\n".join(f"error: {problem}" for problem in wrong.problems))


def _warn(warnings: Sequence[str]) -> None:
    """Once in each process, which may read settings at several places."""
    for warning in warnings:
        if warning not in _warned:
            print(f"warning: {warning}", file=sys.stderr)
            _warned.add(warning)


def _take(found: Configuration, source: Mapping[str, str], origin: str) -> None:
    """What a source says of settings that no stronger one has set. Empty texts are as good as none."""
    for name, setting in SETTINGS.items():
        if found.is_given(name):
            continue
        text, path = source.get(name, ""), source.get(name + SUFFIX, "") if setting.secret else ""
        if text and path:
            found.problems.append(f"{name} and {name}{SUFFIX} are both set; expected one of them ({origin})")
        if path:
            text = _secret(found, name, path)
            found.origins[name] = f"{origin}, {name}{SUFFIX}"
        if text:
            found.given[name] = text
            found.origins.setdefault(name, origin)


def _secret(found: Configuration, name: str, path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(MAX_SECRET).strip()
    except OSError as error:
        found.problems.append(f"{name}{SUFFIX} must name a file that can be read; {path}: {error.strerror}")
        return ""
    except UnicodeDecodeError:
        text = ""
    if not text:
        found.problems.append(f"{name}{SUFFIX} must name a file that holds a text; {path} holds none")
    return text


def _file(found: Configuration, path: str) -> dict[str, str]:
    """The file's settings as texts. Names that we do not know are mistakes, for nobody else reads the file."""
    import tomllib

    try:
        with open(path, "rb") as file:
            told = tomllib.load(file)
    except OSError as error:
        found.problems.append(f"{FILE_SETTING} must name a file that can be read; {path}: {error.strerror}")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        where = error if isinstance(error, UnicodeDecodeError) else _place(error)
        found.problems.append(f"{FILE_SETTING} must name a file in TOML; {path}: {where}")
        return {}
    texts = {}
    for name, value in told.items():
        if not _is_ours(name):
            found.problems.append(f"{_unknown(name)} ({path})")
        elif isinstance(value, bool):
            texts[name] = "1" if value else "0"
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            texts[name] = ",".join(value)
        elif isinstance(value, (str, int)):
            texts[name] = str(value)
        else:
            found.problems.append(f"{name} must be a text, a number, true, false or a list of texts ({path})")
    return texts


def _place(error: Exception) -> str:
    """Where it is wrong, without the words: they could be of a secret."""
    _, _, place = str(error).rpartition("(at ")
    return f"a mistake at {place.rstrip(')')}" if place else "a mistake"


def _is_ours(name: str) -> bool:
    base = name.removesuffix(SUFFIX)
    return name in SETTINGS or (base != name and base in SETTINGS and SETTINGS[base].secret)


def is_strange(name: str) -> bool:
    """Whether a variable looks like a setting and is none."""
    return name.startswith("GITSLICE_") and not _is_ours(name) and name not in OTHERS


def _unknown(name: str) -> str:
    from difflib import get_close_matches

    names = [*SETTINGS, *(f"{name}{SUFFIX}" for name, setting in SETTINGS.items() if setting.secret)]
    near = get_close_matches(name, names, 1, 0.6)
    return f"{name} is not a setting" + (f"; is {near[0]} meant?" if near else "")


def _parse(found: Configuration, setting: Setting) -> None:
    text = found.given.get(setting.name, setting.default)
    found.origins.setdefault(setting.name, setting.made or DEFAULT)
    try:
        value = setting.kind.parse(text) if text else setting.kind.empty
        if isinstance(value, int) and not _within(setting, value):
            raise ValueError
    except (ValueError, OSError) as error:
        shown = "another" if setting.secret else f"{text!r}"
        why = f": {error.strerror}" if isinstance(error, OSError) and error.strerror else ""
        expected = f"{setting.kind.expected}{_bounds(setting)}"
        found.problems.append(
            f"{setting.name} must be {expected}; it is {shown}{why} ({found.origins[setting.name]})"
        )
        return
    found.values[setting.name] = value


def _within(setting: Setting, value: int) -> bool:
    return (setting.least is None or value >= setting.least) and (
        setting.most is None or value <= setting.most
    )


def _bounds(setting: Setting) -> str:
    if setting.most is not None:
        return f" from {setting.least} to {setting.most}"
    return f", at least {setting.least}" if setting.least is not None else ""


def _require_pairs(found: Configuration) -> None:
    """Settings that need another one."""
    for name, other, why in (
        ("GITSLICE_OPEN_SIGN_UP", "GITSLICE_EMAIL_URL", "addresses are verified by mail"),
        ("GITSLICE_TLS_CERT", "GITSLICE_TLS_KEY", "the key of the certificate"),
        ("GITSLICE_TLS_KEY", "GITSLICE_TLS_CERT", "the certificate of the key"),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "the secret of the key"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "the key of the secret"),
        ("DATABASE_PASSWORD", "DATABASE_URL", "the database that asks for it"),
        ("REDIS_PASSWORD", "REDIS_URL", "the server that asks for it"),
        ("GITSLICE_EMAIL_PASSWORD", "GITSLICE_EMAIL_URL", "the server that asks for it"),
    ):
        if found.values.get(name) and not found.is_given(other):
            found.problems.append(f"{name} needs {other}: {why}")
