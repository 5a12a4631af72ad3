"""Backup and restore: docs/backup.md."""
