"""`click`: rich_click where help will be shown, plain click otherwise.

rich_click only changes how help looks, and its import takes a third of what a small command costs; so commands say
`from gs.clicks import click` and get the dressed one only with `--help` among the arguments, or without any.
"""

from __future__ import annotations

import sys

DRESSED = len(sys.argv) < 2 or not {"--help", "-h"}.isdisjoint(sys.argv[1:])

if DRESSED:
    import rich_click as click
else:
    import click  # type: ignore[no-redef]

__all__ = ["DRESSED", "click"]
