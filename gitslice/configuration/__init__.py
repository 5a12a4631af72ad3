"""Everything that differs between installations: declared once, read from the environment and one file.

`declared` holds every setting, `kinds` says how their values are written, `reading` reads and checks them all, `telling`
writes the table of docs/configuration.md and what `manage.py configuration` prints. Imports no Django and takes
some milliseconds: every process reads it first.
"""

from gitslice.configuration.reading import Configuration, WrongSettings, is_strange, read, read_or_stop, stop

__all__ = ["Configuration", "WrongSettings", "is_strange", "read", "read_or_stop", "stop"]
