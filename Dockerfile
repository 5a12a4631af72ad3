FROM python:3.11-slim-bookworm AS build
WORKDIR /srv/gitslice
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /srv/venv
COPY requirements.txt requirements.lock ./
RUN /srv/venv/bin/pip install --constraint requirements.lock --requirement requirements.txt
COPY cli cli
RUN /srv/venv/bin/pip install --no-build-isolation --no-deps ./cli
COPY . .
RUN /srv/venv/bin/python -m compileall -q accounts changesets conflicts gitslice slices \
    && GITSLICE_SECRET_KEY=build GITSLICE_STATIC_ROOT=/srv/static /srv/venv/bin/python manage.py collectstatic --noinput

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --home-dir /var/lib/gitslice --create-home gitslice
COPY --from=build /srv /srv
WORKDIR /srv/gitslice
ENV PATH=/srv/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GITSLICE_HOME=/var/lib/gitslice \
    GITSLICE_STATIC_ROOT=/srv/static \
    GITSLICE_BIND=0.0.0.0
USER 10001
VOLUME /var/lib/gitslice
EXPOSE 8000
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "gitslice.wsgi"]
