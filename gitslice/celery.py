import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")

app = Celery("gitslice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
