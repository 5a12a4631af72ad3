"""What the database remembers about itself, for code that is older than it."""

from django.db import models


class MigrationMark(models.Model):
    """A migration that was applied: by which version, and whether code from before it may still run.

    Older code knows nothing of a migration but this row: gitslice/ops/fitting.py reads it before anything starts.
    """

    app = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    version = models.CharField(max_length=64)  # of GitSlice, that applied it
    breaks_older_code = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "name"], name="migration_mark_once")]

    def __str__(self) -> str:
        return f"{self.app}.{self.name}"
