"""What the `gs` program and the server share: paths, packs, merge, diff, error codes. Pure, without Django."""
