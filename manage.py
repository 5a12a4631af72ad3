#!/usr/bin/env python
import os
import sys

from django.core.management import ManagementUtility
from django.core.management.base import BaseCommand

# They read no data, or data of whatever schema. `restore` and `verify_backup` check for themselves.
FREE = {
    *("check", "collectstatic", "configuration", "dbshell", "diffsettings", "findstatic", "makemigrations"),
    *("optimizemigration", "showmigrations", "spectacular", "sqlmigrate", "squashmigrations", "test"),
    *("backup", "restore", "verify_backup"),
}
MIGRATING = {"after_recovery", "migrate", "prepare"}
HELP = {"-h", "--help", "help", "--version"}


class Utility(ManagementUtility):
    """Commands do not work on data that this code does not fit: docs/upgrading.md."""

    def fetch_command(self, subcommand: str) -> BaseCommand:
        command = super().fetch_command(subcommand)
        if subcommand not in FREE and not HELP.intersection(self.argv):
            from gitslice.ops.fitting import stop_unless_fitting  # Django is ready by now

            stop_unless_fitting(migrating=subcommand in MIGRATING)
        return command


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")
    Utility(sys.argv).execute()
