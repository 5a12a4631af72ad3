"""Checks of everything that is stored, in rows and in objects, and what can be mended (docs/integrity.md)."""
