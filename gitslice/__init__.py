"""GitSlice: a version control server that gives each team a slice of one tree."""

from gitslice.celery import app as celery_app

__version__ = "0.1.0"
__all__ = ["celery_app"]
