# The image of every part of the server: web, workers, schedule, commands. Its steps are rehearsed by deploy/rehearse.
# The base is pinned by tag, so that each build has Debian's newest security updates; for a build that can be repeated
# give it by digest: docker build --build-arg BASE=debian@sha256:...
ARG BASE=debian:trixie-slim

FROM ${BASE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# hadolint ignore=DL3008 # versions are those of the base's release, with its security updates
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-venv \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /srv/gitslice
RUN python3 -m venv /srv/venv
COPY requirements-pip.lock requirements.lock ./
RUN /srv/venv/bin/python -m pip install --require-hashes --requirement requirements-pip.lock \
    && /srv/venv/bin/python -m pip install --require-hashes --only-binary :all: --requirement requirements.lock
COPY cli cli
RUN /srv/venv/bin/python -m pip install --no-build-isolation --no-deps ./cli \
    && /srv/venv/bin/python -m pip uninstall --yes setuptools pip
COPY accounts accounts
COPY changesets changesets
COPY conflicts conflicts
COPY gitslice gitslice
COPY slices slices
COPY static static
COPY templates templates
COPY deploy/gunicorn.conf.py deploy/probe deploy/
COPY manage.py LICENSE CHANGELOG.md ./
RUN rm -r cli \
    && /srv/venv/bin/python -m compileall -q accounts changesets conflicts gitslice slices \
    && GITSLICE_HOME=/tmp/home GITSLICE_SECRET_KEY=build GITSLICE_STATIC_ROOT=/srv/static \
        /srv/venv/bin/python manage.py collectstatic --noinput --verbosity 0

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="GitSlice" \
    org.opencontainers.image.description="A version control server that gives each team a slice of one tree" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}"
# hadolint ignore=DL3008 # as above
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 gitslice \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/gitslice --shell /usr/sbin/nologin gitslice \
    && install --directory --owner gitslice --group gitslice --mode 0700 /var/lib/gitslice
COPY --from=build /srv /srv
WORKDIR /srv/gitslice
ENV PATH=/srv/venv/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GITSLICE_HOME=/var/lib/gitslice \
    GITSLICE_STATIC_ROOT=/srv/static \
    GITSLICE_BIND=0.0.0.0 \
    WORKER_ALIVE_FILE=/tmp/worker-alive
USER 10001:10001
VOLUME /var/lib/gitslice
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s CMD ["deploy/probe", "livez"]
CMD ["gunicorn", "--config", "deploy/gunicorn.conf.py", "gitslice.wsgi"]
