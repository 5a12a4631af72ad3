"""Moments of a tree: what had landed, as a condition on the seqs of path versions."""

from __future__ import annotations

from typing import NamedTuple


class Moment(NamedTuple):
    """Everything up to `seq` stands, but for the commits in `left_out`: a global commit of a few slices leaves out older
    commits of others."""

    seq: int
    left_out: tuple[int, ...] = ()

    def reached(self, column: str) -> str:
        """SQL: did the version whose seq is in `column` stand? Holds nothing but numbers of ours."""
        if not self.left_out:
            return f"({column} <= {self.seq:d})"
        return f"({column} <= {self.seq:d} AND {column} <> ALL({_array(self.left_out)}))"


NOTHING = Moment(0)


def between(before: Moment, after: Moment, column: str) -> str:
    """SQL: may the version whose seq is in `column` stand at one of the moments and not at the other?"""
    low, high = sorted((before.seq, after.seq))
    span = f"{column} > {low:d} AND {column} <= {high:d}"
    odd = before.left_out + after.left_out
    return f"({span} OR {column} = ANY({_array(odd)}))" if odd else f"({span})"


def _array(seqs: tuple[int, ...]) -> str:
    return "'{" + ",".join(f"{seq:d}" for seq in seqs) + "}'::bigint[]"
