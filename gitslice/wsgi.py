import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")
os.environ.setdefault("GITSLICE_ROLE", "web")

application = get_wsgi_application()
