import os
import warnings

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")

# Who starts the whole system as root has decided so; tasks are JSON, never pickles.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("gitslice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
