"""`gs`, the command line of GitSlice: HTTP to a server, files in a working directory, no Django."""

from gitslice_core import __version__

__all__ = ["__version__"]
