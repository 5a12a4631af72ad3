"""`python -m gitslice.configuration PAGE [--check]`: make the tables of a page of the documentation, or compare them."""

from __future__ import annotations

import sys
from pathlib import Path

from gitslice.configuration.telling import with_tables


def main(page: Path, *, check: bool) -> int:
    written = page.read_text()
    made = with_tables(written)
    if check and made != written:
        print(f"error: {page} is out of date: run 'make configuration.update'", file=sys.stderr)
        return 1
    if made != written:
        page.write_text(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), check="--check" in sys.argv[2:]))
