"""One pattern of a slice: its syntax and what it matches. Pure.

A pattern is anchored at the root of the tree and is made of parts separated by `/`:

    literal text    itself; a pattern without any wildcard means that file or, if it is a folder, all below
    *  ?            any characters, one character; never a `/`
    [a-z] [!a-z]    one character of the set, or not of it; `[*]` is a literal star
    **              as a whole part: any number of parts, none included; as the last part: everything below

A regular expression is made for PostgreSQL and another for Python. They match the same paths; Python's uses atomic
groups, so that no pattern, however hostile, takes more than (length of path) x (length of pattern) steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from slices.errors import InvalidPattern

MAX_PATTERN_BYTES = 4096
MAX_PARTS = 128
ANYTHING = "**"
LITERAL, BELOW, GLOB = "literal", "below", "glob"
ANY_CHARACTER = "[^/]"
SOME_PARTS = "(?:[^/]+/)*"


class Character(NamedTuple):
    """Exactly one character: a literal one, or (`literal` None) what the regular expression says."""

    regex: str
    literal: str | None = None
    bounds: tuple[str, str] | None = None  # the lowest and the highest that it can be, if that is known


STAR = Character("*")  # stands between the characters of a part; never a regular expression
Part = tuple[Character, ...]


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern. `prefix` is the literal folder (or path) that everything it matches is or lies below;
    `stem` the longest literal text that every matched path begins with."""

    text: str
    kind: str  # LITERAL: `prefix` and all below; BELOW: all below `prefix`; GLOB: see the expressions
    parts: tuple[Part | str, ...]  # a part is ANYTHING, or its characters and stars
    prefix: str
    stem: str

    def span(self) -> tuple[str, str]:
        """Texts of which the first is not above, and the second or what it begins not below, any matched path."""
        depth = self.prefix.count("/") + 1 if self.prefix else 0
        part = self.parts[depth]
        wild = [
            character for character in part if isinstance(character, Character) and character.literal is None
        ]
        if not wild or wild[0].bounds is None:
            return self.stem, self.stem
        low, high = wild[0].bounds
        return self.stem + low, self.stem + high

    def python_regex(self) -> str:
        """For re.fullmatch with re.DOTALL; only for GLOB."""
        first, *rest = _segments(self.parts)
        regex = _joined(first) + ("/" if first and rest else "")
        for number, segment in enumerate(rest):
            last = number == len(rest) - 1
            text = _joined(segment)
            if last:
                regex += ".+" if not segment else f"(?:[^/]++/)*{text}"
            else:
                regex += f"(?>(?:[^/]++/)*?{text}/)"
        return regex

    def postgres_regex(self) -> str:
        """For `~` between `\\A(?:` and `)\\Z`; only for GLOB."""
        regex = ""
        for number, part in enumerate(self.parts):
            last = number == len(self.parts) - 1
            if part == ANYTHING:
                regex += ".+" if last else SOME_PARTS
            else:
                regex += _plain_part(part) + ("" if last else "/")
        return regex


def parse(text: str) -> Pattern:
    """Parse a pattern, or raise InvalidPattern. `folder/` is read as `folder/**`."""
    _check_text(text)
    words = (text + ANYTHING if text.endswith("/") else text).split("/")
    if len(words) > MAX_PARTS:
        raise InvalidPattern(text, f"has more than {MAX_PARTS} parts")
    parts: list[Part | str] = []
    for word in words:
        part = _parse_part(text, word)
        if part != ANYTHING or not parts or parts[-1] != ANYTHING:
            parts.append(part)
    literals = _leading_literals(parts)
    prefix = "/".join(literals)
    if len(literals) == len(parts):
        return Pattern(text, LITERAL, tuple(parts), prefix, prefix)
    if len(literals) == len(parts) - 1 and parts[-1] == ANYTHING:
        return Pattern(text, BELOW, tuple(parts), prefix, prefix)
    return Pattern(text, GLOB, tuple(parts), prefix, _stem(prefix, parts[len(literals)]))


def escape(path: str) -> str:
    """The pattern that means exactly this path."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


def literal_of(part: Part | str) -> str | None:
    """The text of a part without wildcards, else None."""
    if isinstance(part, str) or any(character.literal is None for character in part):
        return None
    return "".join(character.literal or "" for character in part)


def _check_text(text: str) -> None:
    if not text:
        raise InvalidPattern(text, "is empty")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidPattern(text, "is not valid Unicode") from None
    if size > MAX_PATTERN_BYTES:
        raise InvalidPattern(text, f"is longer than {MAX_PATTERN_BYTES} bytes")
    if text.startswith("/"):
        raise InvalidPattern(text, "begins with '/'; patterns begin at the root of the tree without it")
    if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in text):
        raise InvalidPattern(text, "has a control character")


def _parse_part(text: str, word: str) -> Part | str:
    if word == ANYTHING:
        return ANYTHING
    if not word:
        raise InvalidPattern(text, "has an empty part ('//')")
    if word in (".", ".."):
        raise InvalidPattern(text, f"has the part {word!r}")
    if ANYTHING in word:
        raise InvalidPattern(text, "has '**' beside other characters; it stands alone between slashes")
    characters: list[Character] = []
    position = 0
    while position < len(word):
        character = word[position]
        if character == "[":
            parsed, position = _parse_set(text, word, position)
            characters.append(parsed)
            continue
        if character == "*":
            characters.append(STAR)
        elif character == "?":
            characters.append(Character(ANY_CHARACTER))
        else:
            characters.append(Character(_quoted(character), character))
        position += 1
    return tuple(characters)


def _parse_set(text: str, word: str, start: int) -> tuple[Character, int]:
    """The set that begins at `word[start]`, and where the text goes on."""
    position = start + 1
    negated = word[position : position + 1] in ("!", "^") and word[position + 1 : position + 2] != "]"
    position += negated
    end = word.find("]", position + 1)  # a `]` directly after the bracket is a member
    if end < 0:
        raise InvalidPattern(text, "has a '[' that is never closed; write '[[]' for a literal one")
    members = word[position:end]
    ranges: list[tuple[str, str]] = []
    index = 0
    while index < len(members):
        low = high = members[index]
        if members[index + 1 : index + 2] == "-" and index + 2 < len(members):
            high = members[index + 2]
            index += 2
        if low > high:
            raise InvalidPattern(text, f"has the range {low}-{high}, which runs backwards")
        ranges.append((low, high))
        index += 1
    if not negated and len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return Character(_quoted(ranges[0][0]), ranges[0][0]), end + 1
    bounds = None if negated else (min(low for low, _ in ranges), max(high for _, high in ranges))
    return Character(_set_regex(ranges, negated), bounds=bounds), end + 1


def _set_regex(ranges: Sequence[tuple[str, str]], negated: bool) -> str:
    """A set never matches `/`, so ranges that span it are split."""
    split: list[tuple[str, str]] = []
    for low, high in ranges:
        if low < "/" < high:
            split += [(low, "."), ("0", high)]
        else:
            split.append((low, high))
    members = "".join(
        _quoted(low) if low == high else f"{_quoted(low)}-{_quoted(high)}" for low, high in split
    )
    return f"[^/{members}]" if negated else f"[{members}]"


def _quoted(character: str) -> str:
    """Both engines read a backslash before ASCII punctuation as that character itself."""
    return f"\\{character}" if character.isascii() and not character.isalnum() else character


def _leading_literals(parts: Sequence[Part | str]) -> list[str]:
    literals = []
    for part in parts:
        literal = literal_of(part)
        if literal is None:
            break
        literals.append(literal)
    return literals


def _stem(prefix: str, part: Part | str) -> str:
    """`prefix` with the literal characters that the first wildcard part begins with."""
    stem = f"{prefix}/" if prefix else ""
    if isinstance(part, str):
        return stem
    for character in part:
        if character.literal is None:
            break
        stem += character.literal
    return stem


def _segments(parts: Sequence[Part | str]) -> list[list[Part]]:
    """The parts between the `**`s."""
    segments: list[list[Part]] = [[]]
    for part in parts:
        if isinstance(part, str):
            segments.append([])
        else:
            segments[-1].append(part)
    return segments


def _joined(segment: Sequence[Part]) -> str:
    return "/".join(map(part_regex, segment))


def _plain_part(part: Part | str) -> str:
    return "".join("[^/]*" if character is STAR else character.regex for character in part)  # type: ignore[union-attr]


def part_regex(part: Part) -> str:
    """Python's expression for one part. Between two stars the leftmost match is as good as any, so it is never tried again."""
    chunks = [""]
    for character in part:
        if character is STAR:
            chunks.append("")
        else:
            chunks[-1] += character.regex
    first, *rest = chunks
    if not rest:
        return first
    middle = "".join(f"(?>[^/]*?{chunk})" for chunk in rest[:-1] if chunk)
    return f"{first}{middle}[^/]*{rest[-1]}(?![^/])"
