"""GitSlice: a version control server that gives each team a slice of one tree."""

from gitslice.celery import app as celery_app
from gitslice_core import __version__

__all__ = ["__version__", "celery_app"]
