from __future__ import annotations

import hashlib

import pytest

from changesets.edits import PathEdit, WantedEdit, apply_to_base, parse_edit, parse_edits, patchset_digest
from changesets.errors import InvalidEdit
from gitslice.common.errors import InvalidPath
from slices.entries import Entry

ONE = hashlib.sha256(b"1").digest()
TWO = hashlib.sha256(b"2").digest()
STANDING = {"a": Entry("100644", ONE, 1)}
SIZES = {ONE: 1, TWO: 1}


def body(op: str, path: str, **fields: str) -> dict[str, str]:
    return {"op": op, "path": path} | fields


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {"op": "add"},
        body("add", "a"),
        body("add", "a", mode="100644"),
        body("add", "a", mode="100600", digest=ONE.hex()),
        body("add", "a", mode="100644", digest="xyz"),
        body("add", "a", mode="100644", digest="00"),
        body("explode", "a"),
        body("rename", "a"),
    ],
)
def test_malformed_edits_are_refused(wrong):
    with pytest.raises(InvalidEdit):
        parse_edit(wrong)


@pytest.mark.parametrize(
    "path",
    ["", "/a", "a/", "a//b", "../a", "a/./b", ".gs/x", "a/.GS", "a\nb", "a\0b", ".git/config", "\ud800"],
)
def test_paths_that_escape_or_confuse_are_refused(path):
    with pytest.raises(InvalidPath):
        parse_edit(body("delete", path))


def test_a_path_is_edited_once():
    with pytest.raises(InvalidEdit):
        parse_edits([body("delete", "a"), body("delete", "a")])
    with pytest.raises(InvalidEdit):
        parse_edits([body("rename", "b", renamed_from="a"), body("delete", "a")])


def test_a_patchset_makes_no_path_both_file_and_folder():
    with pytest.raises(InvalidPath):
        parse_edits(
            [
                body("add", "a", mode="100644", digest=ONE.hex()),
                body("add", "a/b", mode="100644", digest=ONE.hex()),
            ]
        )


@pytest.mark.parametrize(
    "edit",
    [
        WantedEdit("add", "a", "100644", TWO),
        WantedEdit("modify", "b", "100644", TWO),
        WantedEdit("delete", "b"),
        WantedEdit("chmod", "b", "100755"),
        WantedEdit("rename", "b", renamed_from="missing"),
        WantedEdit("rename", "a", renamed_from="a"),
        WantedEdit("modify", "a", "100644", ONE),
        WantedEdit("chmod", "a", "100755", TWO),
    ],
)
def test_edits_must_fit_their_base(edit):
    with pytest.raises(InvalidEdit):
        apply_to_base([edit], STANDING, SIZES)


def test_a_rename_is_a_rename_and_a_delete():
    edits = apply_to_base([WantedEdit("rename", "b", renamed_from="a")], STANDING, SIZES)
    assert edits == [
        PathEdit("a", "delete", STANDING["a"], None),
        PathEdit("b", "rename", None, STANDING["a"], "a"),
    ]


def test_chmod_keeps_the_content():
    (edit,) = apply_to_base([WantedEdit("chmod", "a", "100755")], STANDING, SIZES)
    assert edit.new == Entry("100755", ONE, 1)


def test_the_digest_of_a_patchset_pins_edits_and_bases():
    edits = apply_to_base([WantedEdit("modify", "a", "100644", TWO)], STANDING, SIZES)
    other_base = [edits[0]._replace(base=Entry("100755", ONE, 1))]
    assert patchset_digest(edits) == patchset_digest(list(edits))
    assert patchset_digest(edits) != patchset_digest(other_base)
