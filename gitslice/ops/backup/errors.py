class BackupError(Exception):
    """A backup cannot be made, read or restored; the text says why, for an administrator."""


class Damaged(BackupError):
    """Stored bytes are missing, or not what their digest or seal says."""
