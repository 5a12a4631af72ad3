"""The files of a diff as a page shows them: which at once, which later or when asked for, which closed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

from django.utils.safestring import SafeString, mark_safe

from slices.diff_facts import Facts, diff_facts
from slices.diffs import RENAME, FilePair, content_bytes, file_diffs
from slices.entries import SYMLINK, Entry
from slices.generated import Attributes, generated_by_name
from slices.views.diff_rows import Look, WordWork, diff_rows
from slices.views.files import IMAGES, extension
from slices.views.highlighting import MAX_HIGHLIGHTED

FIRST_LINES = 1_500  # lines that come at once; files after them come when they are scrolled to
MAX_FILE_LINES = 1_500  # a longer diff of one file is shown when it is asked for
MAX_WHOLE_LINES = 5_000  # of a file that is shown with all lines around its changes
WIDE_CONTEXT = 200  # lines around the changes of a longer one
MAX_IMAGE_BYTES = 10 << 20

NOW, LATER, ASKED = "now", "later", "asked"


@dataclass(frozen=True)
class Compared:
    """What a page compares, and what it knows of it besides. `address` is the page with a query that names both sides
    for good; empty for what has no page, and then nothing more can be asked for. `known`: contents that are not stored, by digest. `mixed`: paths whose lines hold changes of others.
    `notes`: path -> line, `R12` of the new or `L12` of the old side -> HTML to show below it; `talk`: lines have a link to comment on them; `viewed`: the paths
    that the reader has viewed, None where nobody asks; `markable`: those that can be marked so."""

    organization_id: int
    address: str
    pairs: Sequence[FilePair]
    split: bool = False
    known: Mapping[bytes, bytes] = field(default_factory=dict)
    attributes: Attributes = field(default_factory=lambda: Attributes({}))
    mixed: frozenset[str] = frozenset()
    notes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    talk: bool = False
    viewed: frozenset[str] | None = None
    markable: frozenset[str] = frozenset()

    def look(self, path: str, words: WordWork | None = None) -> Look:
        """How the rows of the file look; `words` is what all files of a page may spend together."""
        notes = self.notes.get(path, {})
        return Look(path, anchor_of(path), self.address, self.split, self.talk, notes, words or WordWork())


@dataclass(frozen=True)
class ShownDiff:
    """One file of a diff, ready for the template. `facts` is None where they are not known yet; `when` says whether
    `rows` are here, come later by themselves, or when they are asked for; `note` is why there are none."""

    pair: FilePair
    anchor: str
    facts: Facts | None
    when: str
    note: str = ""
    rows: SafeString | str = ""
    generated: bool = False
    viewed: bool = False
    markable: bool = False
    mixed: bool = False
    comments: int = 0
    opened: bool = False  # asked for: open, whatever would keep it closed

    @property
    def folded(self) -> bool:
        return (self.generated or self.viewed) and not self.opened

    @property
    def picture(self) -> bool:
        """Are its sides shown as pictures?"""
        if extension(self.pair.path) not in IMAGES:
            return False
        sides = [entry for entry in (self.pair.old, self.pair.new) if entry]
        return all(entry.mode != SYMLINK and 0 < entry.size <= MAX_IMAGE_BYTES for entry in sides)

    @property
    def sides(self) -> list[tuple[str, str, Entry]]:
        """Name in addresses, name for people, and entry of the sides that are there."""
        named = (("old", "Before", self.pair.old), ("new", "After", self.pair.new))
        return [(side, title, entry) for side, title, entry in named if entry]

    @property
    def folder(self) -> str:
        return self.pair.path.rpartition("/")[0]


def listed_diffs(
    compared: Compared, pairs: Sequence[FilePair], asked: Collection[str] = ()
) -> list[ShownDiff]:
    """The files of the pairs, in order, without their lines; what is `asked` for is shown whatever its length."""
    facts = diff_facts(compared.organization_id, pairs, compared.known)
    return [_planned(compared, pair, facts.get(pair.path), pair.path in asked) for pair in pairs]


def shown_diffs(compared: Compared, files: Sequence[ShownDiff], whole: str = "") -> list[ShownDiff]:
    """The files with the lines of those that come at once; `whole` with all lines around its changes."""
    left = FIRST_LINES
    now = []
    for file in files:
        lines = file.facts.lines if file.facts else 0
        if file.opened or (file.when == NOW and lines <= left):
            left -= lines
            now.append(file)
    chosen = {file.pair.path for file in now}
    rows = _rows(compared, [file for file in now if not file.note], whole)
    return [
        replace(file, rows=rows.get(file.pair.path, ""))
        if file.pair.path in chosen
        else replace(file, when=LATER if file.when == NOW else file.when)
        for file in files
    ]


def anchor_of(path: str) -> str:
    """The id of a file's diff on its page."""
    return f"f{crc32(path.encode()):08x}"


def _planned(compared: Compared, pair: FilePair, facts: Facts | None, asked: bool) -> ShownDiff:
    path = pair.path
    viewed = compared.viewed is not None and path in compared.viewed
    said = compared.attributes.generated(path)
    generated = said if said is not None else generated_by_name(path) or bool(facts and facts.generated)
    when = LATER
    if asked:
        when = NOW
    elif facts and (facts.lines > MAX_FILE_LINES or content_bytes(pair) > 2 * MAX_HIGHLIGHTED):
        when = ASKED
    elif facts and not generated and not viewed:
        when = NOW
    note = _note(pair, facts) if facts else ""
    return ShownDiff(
        pair=pair,
        anchor=anchor_of(path),
        facts=facts,
        when=NOW if note else when,
        note=note,
        generated=generated,
        viewed=viewed,
        markable=path in compared.markable,
        mixed=path in compared.mixed,
        comments=len(compared.notes.get(path, ())),
        opened=asked,
    )


def _note(pair: FilePair, facts: Facts) -> str:
    """Why the file has no lines to show."""
    if facts.binary:
        return "Binary file: its lines cannot be compared."
    if facts.too_large:
        return "The file is too large to compare here."
    if facts.lines:
        return ""
    if pair.old and pair.new and pair.old.mode != pair.new.mode:
        return f"The mode changed from {pair.old.mode} to {pair.new.mode}."
    return "Renamed, with the same content." if pair.op == RENAME else "The file is empty."


def _rows(compared: Compared, files: Sequence[ShownDiff], whole: str) -> dict[str, SafeString]:
    """The rows of these files by path."""
    plain = [file.pair for file in files if file.pair.path != whole]
    diffs = file_diffs(compared.organization_id, plain, known=compared.known)
    for file in files:
        if file.pair.path == whole and file.facts:
            context = MAX_WHOLE_LINES if file.facts.length <= MAX_WHOLE_LINES else WIDE_CONTEXT
            diffs += file_diffs(compared.organization_id, [file.pair], known=compared.known, context=context)
    lengths = {file.pair.path: file.facts.length for file in files if file.facts}
    words = WordWork()
    return {
        diff["path"]: _html(diff, lengths[diff["path"]], compared.look(diff["path"], words)) for diff in diffs
    }


def _html(diff: dict[str, Any], length: int, look: Look) -> SafeString:
    return mark_safe("".join(diff_rows(diff, length, look)))
