import logging
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")
os.environ.setdefault("GITSLICE_ROLE", "web")

_django = get_wsgi_application()

from gitslice.common.admission import Admission, Room  # noqa: E402  Django is ready by now
from gitslice.common.beginning import with_problems_at_beginning  # noqa: E402
from gitslice.ops.fitting import stop_unless_fitting  # noqa: E402
from gitslice.telemetry.logs import adopt  # noqa: E402
from gitslice.telemetry.profiles import listen  # noqa: E402

stop_unless_fitting()
application = Admission(
    with_problems_at_beginning(_django),
    Room(settings.GITSLICE_WEB_THREADS, settings.GITSLICE_WEB_WAITING, settings.GITSLICE_WEB_WAIT_SECONDS),
)
adopt(logging.getLogger("gunicorn.error").handlers, settings.GITSLICE_LOG_FORMAT)
listen()
