from __future__ import annotations

import pytest

from changesets.places import enclosing
from changesets.similarity import Candidate, most_similar, similarity
from slices.entries import Entry

PYTHON = b"""import os

# A remark.

class Tax:
    rate = 19

    def calculate(self, net):
        if net:

            total = net
        return total


def main() -> None:
    Tax()
"""
GO = b"""package tax

func (t *Tax) Calculate(net int) int {
	if net > 0 {
		return net
	}
	return 0
}
"""
C = b"""static int
helper(void);

int calculate(int net, int rate)
{
    return net;
}
"""
SETTINGS = b"[server]\nport = 1\n\n[client]\nname = x\n"
MARKDOWN = b"# Title\n\n## Taxes\n\nWords.\n"
YAML = b"services:\n  web:\n    image: a\n"


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        (PYTHON, 1, ""),
        (PYTHON, 3, ""),
        (PYTHON, 6, "Tax"),
        (PYTHON, 8, "calculate"),
        (PYTHON, 10, "calculate"),
        (PYTHON, 11, "calculate"),
        (PYTHON, 16, "main"),
        (GO, 5, "Calculate"),
        (C, 6, "calculate"),
        (SETTINGS, 5, "client"),
        (MARKDOWN, 5, "Taxes"),
        (YAML, 3, "web"),
        (b"", 1, ""),
        (b"a\n", 99, ""),
        (b"\xff\xfe\n" * 9, 5, ""),
    ],
)
def test_a_line_is_inside_of(text, line, name):
    assert enclosing(text.splitlines(keepends=True), line) == name


def test_similarity_is_the_common_share_of_the_larger():
    text = b"".join(b"line %d\n" % number for number in range(10))
    assert similarity(text, text) == 1
    assert similarity(text, b"") == 0
    assert similarity(text, text[: len(text) // 2]) == 0.5
    assert similarity(text, b"other\n" * 10) == 0
    assert similarity(b"a\0b", b"a\0c") == 0


def test_equal_content_is_the_most_similar():
    def entry(digest: bytes, size: int = 10) -> Entry:
        return Entry("100644", digest, size)

    contents = {b"old": b"a\nb\nc\nd\n", b"near": b"a\nb\nc\nx\n", b"far": b"a\nx\ny\nz\n"}
    candidates = [Candidate("far", entry(b"far")), Candidate("near", entry(b"near"))]
    assert most_similar(entry(b"old"), candidates, contents).path == "near"
    assert most_similar(entry(b"old"), [Candidate("same", entry(b"old")), *candidates], {}).path == "same"
    assert most_similar(entry(b"old"), candidates[:1], contents) is None
