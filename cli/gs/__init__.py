"""`gs`, the command line of GitSlice: HTTP to a server, files in a working directory, no Django."""

__version__ = "0.1.0"
