import logging
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")
os.environ.setdefault("GITSLICE_ROLE", "web")

application = get_wsgi_application()

from django.conf import settings  # noqa: E402

from gitslice.telemetry.logs import adopt  # noqa: E402
from gitslice.telemetry.profiles import listen  # noqa: E402

adopt(logging.getLogger("gunicorn.error").handlers, settings.GITSLICE_LOG_FORMAT)
listen()
