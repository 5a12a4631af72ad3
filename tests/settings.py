"""The product's settings on servers of the tests' own."""

import os
from pathlib import Path

from tests.servers import ensure_servers, redis_database

ensure_servers()
os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{redis_database()}"
os.environ["OBJECT_STORE_URL"] = f"file://{os.environ['GITSLICE_HOME']}/objects-{redis_database()}"
(Path(os.environ["GITSLICE_HOME"]) / "static").mkdir(exist_ok=True)

from gitslice.settings import *  # noqa: E402, F403

ALLOWED_HOSTS = ["*"]
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = os.environ["REDIS_URL"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = STORAGES | {  # noqa: F405
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
