import logging
import os

from django.core.wsgi import get_wsgi_application

from gitslice.common.beginning import with_problems_at_beginning
from gitslice.common.logs import redact

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")
os.environ.setdefault("GITSLICE_ROLE", "web")

application = with_problems_at_beginning(get_wsgi_application())
redact(logging.getLogger("gunicorn.error").handlers)  # what it tells of a failure quotes the request
