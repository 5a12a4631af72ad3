"""Edits on edits, and texts that went through a form."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from changesets.amending import amended, standing_after
from changesets.edits import ADD, DELETE, MODIFY, RENAME, PathEdit
from changesets.texts import content_of, text_of
from slices.entries import Entry

PATHS = ("a", "b", "c")
ENTRIES = [Entry("100644", bytes([number]) * 32, number) for number in range(3)]
A, B, C = ENTRIES


def draw_edits(data: st.DataObject, standing: dict[str, Entry]) -> list[PathEdit]:
    """One edit of a tree: add, change, delete or rename."""
    path = data.draw(st.sampled_from(PATHS))
    old, new = standing.get(path), data.draw(st.sampled_from(ENTRIES))
    if old is None:
        sources = [source for source in standing if source != path]
        if sources and data.draw(st.booleans()):
            source = data.draw(st.sampled_from(sources))
            edits = [
                PathEdit(source, DELETE, standing[source], None),
                PathEdit(path, RENAME, None, new, source),
            ]
            return sorted(edits)
        return [PathEdit(path, ADD, None, new)]
    if new == old or data.draw(st.booleans()):
        return [PathEdit(path, DELETE, old, None)]
    return [PathEdit(path, MODIFY, old, new)]


@given(st.data())
def test_edits_on_edits_give_the_same_tree_as_one_patchset(data):
    base = data.draw(st.dictionaries(st.sampled_from(PATHS), st.sampled_from(ENTRIES)))
    edits: list[PathEdit] = []
    standing = dict(base)
    for _ in range(data.draw(st.integers(1, 6))):
        further = draw_edits(data, standing)
        standing = standing_after(standing, further)
        edits = amended(edits, further)
        assert standing_after(base, edits) == standing
        for edit in edits:
            assert edit.base == base.get(edit.path) != edit.new
            assert (edit.op == DELETE) == (edit.new is None)
            assert (edit.op == RENAME) == (edit.renamed_from is not None)
            if edit.renamed_from:
                assert edit.renamed_from in base
                assert any(old.path == edit.renamed_from and old.op == DELETE for old in edits)


def test_renamed_twice_is_renamed_once_and_back_is_nothing():
    first = amended([], [PathEdit("a", DELETE, A, None), PathEdit("b", RENAME, None, A, "a")])
    second = amended(first, [PathEdit("b", DELETE, A, None), PathEdit("c", RENAME, None, B, "b")])
    assert second == [PathEdit("a", DELETE, A, None), PathEdit("c", RENAME, None, B, "a")]
    assert amended(first, [PathEdit("b", DELETE, A, None), PathEdit("a", RENAME, None, A, "b")]) == []


@given(st.text(st.sampled_from("ab\r\n"), max_size=40))
def test_a_text_that_was_not_touched_is_the_same_to_the_byte(text):
    content = text.encode()
    shown, reason = text_of(content)
    assert not reason
    as_sent = re.sub(r"\r\n|\n|\r", "\r\n", shown)
    assert content_of(as_sent, content) == content


def test_lines_keep_their_ends_and_new_ones_get_the_usual():
    before = b"one\r\ntwo\nthree\r\nfour"
    assert content_of("one\r\nnew\r\ntwo\r\nthree\r\nfour", before) == b"one\r\nnew\r\ntwo\nthree\r\nfour"
    assert content_of("a\r\nb", b"x\r\ny\r\n") == b"a\r\nb"
    assert content_of("a\r\nb\r\n") == b"a\nb\n"


def test_what_is_no_text_says_why():
    assert "UTF-8" in text_of(b"caf\xe9\n")[1]
    assert "binary" in text_of(b"\0")[1]
