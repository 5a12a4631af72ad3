"""One file a command; gs.cli holds the table."""
