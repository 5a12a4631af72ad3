import logging
import os

from django.core.wsgi import get_wsgi_application

from gitslice.common.logs import redact

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")
os.environ.setdefault("GITSLICE_ROLE", "web")

application = get_wsgi_application()

from gitslice.ops.fitting import stop_unless_fitting  # noqa: E402  Django is ready by now

stop_unless_fitting()
redact(logging.getLogger("gunicorn.error").handlers)  # what it tells of a failure quotes the request
