"""What the `gs` program and the server share: paths, packs, merge, diff, error codes. Pure, without Django."""

__version__ = "0.1.0"  # of everything: the server, `gs`, the image
