"""Django's settings. Everything that differs between installations comes from gitslice/configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gitslice import env
from gitslice.configuration import WrongSettings, read_or_stop, stop

BASE_DIR = Path(__file__).resolve().parent.parent

_given = read_or_stop()
try:
    env.complete(_given, BASE_DIR)
except WrongSettings as wrong:
    stop(wrong)
globals().update(_given.public())
GITSLICE_HOME: Path = _given["GITSLICE_HOME"]
GITSLICE_SECURE: bool = _given["GITSLICE_SECURE"]
GITSLICE_ROLE: str = _given["GITSLICE_ROLE"]
GITSLICE_METRICS_TOKEN: str = _given["GITSLICE_METRICS_TOKEN"]
GITSLICE_METRICS_ORGANIZATIONS: bool = _given["GITSLICE_METRICS_ORGANIZATIONS"]
GITSLICE_METRICS_PORT: int = _given["GITSLICE_METRICS_PORT"]
GITSLICE_LOG_FORMAT: str = _given["GITSLICE_LOG_FORMAT"]
OTEL_EXPORTER_OTLP_ENDPOINT: str = _given["OTEL_EXPORTER_OTLP_ENDPOINT"]
env.share_metrics(GITSLICE_HOME, GITSLICE_ROLE)

SECRET_KEY: str = _given["GITSLICE_SECRET_KEY"]
SECRET_KEY_FALLBACKS: list[str] = _given["GITSLICE_SECRET_KEY_FALLBACKS"]
ALLOWED_HOSTS: list[str] = _given["GITSLICE_ALLOWED_HOSTS"]
DEBUG: bool = _given["GITSLICE_DEBUG"]
DEFAULT_EXCEPTION_REPORTER_FILTER = "gitslice.common.debug_page.DebugPageFilter"

_database = env.database(_given["DATABASE_URL"], _given["DATABASE_PASSWORD"])
REDIS_URL, REDIS_TLS = env.redis(_given["REDIS_URL"], _given["REDIS_PASSWORD"])
OBJECT_STORE_URL: str = _given["OBJECT_STORE_URL"]
_object_storage = env.object_storage(OBJECT_STORE_URL)
AWS_ACCESS_KEY_ID: str = _given["AWS_ACCESS_KEY_ID"]
AWS_SECRET_ACCESS_KEY: str = _given["AWS_SECRET_ACCESS_KEY"]
globals().update(env.email(_given["GITSLICE_EMAIL_URL"], _given["GITSLICE_EMAIL_PASSWORD"]))
DEFAULT_FROM_EMAIL: str = _given["GITSLICE_EMAIL_FROM"]

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.saml",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "gitslice.objects",
    "gitslice.ops",
    "gitslice.telemetry",
    "accounts",
    "slices",
    "changesets",
    "conflicts",
]

MIDDLEWARE = [
    "gitslice.telemetry.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.middleware.AuditOriginMiddleware",
    "gitslice.common.bodies.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.support.SupportMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "gitslice.common.pages.PageMiddleware",
    "accounts.rate_limits.RateLimitMiddleware",
]

ROOT_URLCONF = "gitslice.urls"
WSGI_APPLICATION = "gitslice.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            "builtins": ["gitslice.common.tags"],
        },
    }
]


def _database_options() -> dict[str, Any]:
    """Web processes share a pool among their threads; they and workers stop a statement that runs too long."""
    options: dict[str, Any] = dict(_database.get("OPTIONS", {}))
    options |= {
        "server_side_binding": True,
        "prepare_threshold": None if _pooled else 5,
    }  # plans are made once for each connection, unless a pooler gives it to somebody else after each transaction
    if GITSLICE_ROLE == "web":
        options["pool"] = {"min_size": 1, "max_size": _given["GITSLICE_DATABASE_POOL"], "timeout": 10}
    if not _pooled and (patience := env.patience(_given)):  # a pooler sets it on its connections
        options["options"] = f"{options.get('options', '')} {patience}".strip()
    return options


_pooled = _database.get("OPTIONS", {}).pop("pooling", "") == "transaction"  # docs/scaling.md

DATABASES = {
    "default": {
        **_database,
        "ENGINE": "django.db.backends.postgresql",
        "DISABLE_SERVER_SIDE_CURSORS": _pooled,
        "CONN_HEALTH_CHECKS": True,  # a restart of the database is no reason for errors
        "CONN_MAX_AGE": 0 if GITSLICE_ROLE == "web" else 600,
        "OPTIONS": _database_options(),
    }
}

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "gitslice",
        "OPTIONS": {
            "IGNORE_EXCEPTIONS": True,
            "SOCKET_CONNECT_TIMEOUT": 1,
            "SOCKET_TIMEOUT": 2,
            "CONNECTION_POOL_KWARGS": REDIS_TLS,
        },
    }
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "objects": _object_storage,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.rate_limits.SignInLimits",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

# Sign-in (docs/sign-in.md)
ACCOUNT_RATE_LIMITS = {"login": "120/m/ip"}  # an office may be behind one address
ACCOUNT_ADAPTER = "accounts.sign_in.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"  # the adapter asks who made their account themselves for it
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[GitSlice] "
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if GITSLICE_SECURE else "http"
MFA_ADAPTER = "accounts.sign_in.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "GitSlice"
MFA_TOTP_TOLERANCE = 1  # of 30 seconds, for clocks that are wrong
MFA_ALLOW_UNVERIFIED_EMAIL = True  # a server without mail verifies none
SOCIALACCOUNT_ADAPTER = "accounts.sso.adapter.SingleSignOnAdapter"
SOCIALACCOUNT_EMAIL_VERIFICATION = "none"  # an organization speaks for its domains

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
STATIC_ROOT: Path = _given["GITSLICE_STATIC_ROOT"]
STATICFILES_DIRS = [BASE_DIR / "static"]

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": [
        "gitslice.common.rendering.ORJSONRenderer",
        "gitslice.common.rendering.ProblemRenderer",
    ],
    "DEFAULT_PARSER_CLASSES": ["gitslice.common.rendering.ORJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.AllowAny",  # every query starts at visible_to
        "accounts.permissions.ScopePermission",
    ],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gitslice.common.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "GitSlice",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "gitslice.api_docs.describe_failures",
    ],
    "ENUM_NAME_OVERRIDES": {
        "OrganizationRoleEnum": ["owner", "admin", "member"],
        "HolderKindEnum": ["user", "team"],
        "SliceRoleEnum": ["reader", "writer", "maintainer"],
        "VisibilityEnum": ["private", "organization", "public"],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE: int = _given[
    "GITSLICE_MAX_FORM_BYTES"
]  # of forms; the API's parsers know their own limits

UNFOLD = {
    "SITE_TITLE": "GitSlice administration",
    "SITE_HEADER": "GitSlice",
    "SITE_SUBHEADER": "Administration",
    "SITE_SYMBOL": "layers",
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_USE_SSL = REDIS_TLS or None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}
CELERY_BEAT_SCHEDULE = {
    "ops.heartbeat": {"task": "ops.heartbeat", "schedule": 10, "options": {"expires": 30}},
    "slices.merge_global_states": {
        "task": "slices.merge_global_states",
        "schedule": _given["GITSLICE_GLOBAL_MERGE_SECONDS"],
        "options": {"expires": 60},
    },
    "slices.index_landed": {
        "task": "slices.index_landed",
        "schedule": _given["GITSLICE_SEARCH_SECONDS"],
        "options": {"expires": 60},
    },
    "slices.count_coverage": {
        "task": "slices.count_coverage",
        "schedule": _given["GITSLICE_COVERAGE_SECONDS"],
        "options": {"expires": 60},
    },
    "conflicts.sweep": {"task": "conflicts.sweep", "schedule": _given["GITSLICE_SWEEP_SECONDS"]},
    "conflicts.send_mail": {"task": "conflicts.send_mail", "schedule": _given["GITSLICE_MAIL_SECONDS"]},
    "accounts.forget_old_events": {"task": "accounts.forget_old_events", "schedule": 3600},
    "accounts.forget_old_deliveries": {"task": "accounts.forget_old_deliveries", "schedule": 3600},
    "accounts.forget_old_device_grants": {"task": "accounts.forget_old_device_grants", "schedule": 3600},
    "accounts.forget_sessions": {"task": "accounts.forget_sessions", "schedule": 3600},
    "accounts.chain_audit": {
        "task": "accounts.chain_audit",
        "schedule": _given["GITSLICE_AUDIT_SECONDS"],
        "options": {"expires": 60},
    },
    "accounts.chain_audit_everywhere": {
        "task": "accounts.chain_audit",
        "schedule": 3600,
        "kwargs": {"everywhere": True},
    },
    "ops.check_sample": {
        "task": "ops.check_sample",
        "schedule": _given["GITSLICE_FSCK_SECONDS"],
        "options": {"expires": 600},
    },
    "ops.collect_garbage": {
        "task": "ops.collect_garbage",
        "schedule": _given["GITSLICE_GC_SECONDS"],
        "options": {"expires": 3600},
    },
    "ops.compact_packs": {
        "task": "ops.compact_packs",
        "schedule": _given["GITSLICE_COMPACT_SECONDS"],
        "options": {"expires": 3600},
    },
    "accounts.dispatch_webhooks": {
        "task": "accounts.dispatch_webhooks",
        "schedule": _given["GITSLICE_WEBHOOK_SECONDS"],
        "options": {"expires": 300},  # they do not pile up while no worker runs
    },
}
# Receivers of webhooks may be slow: a worker of their own keeps them from holding up everything else.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {"celery": {}, "webhooks": {}}
CELERY_TASK_ROUTES = {"accounts.send_webhook": {"queue": "webhooks"}}
CELERY_TIMEZONE = "UTC"

SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = GITSLICE_SECURE
if GITSLICE_SECURE:  # browsers take cookies of these names from this very host alone, and only over HTTPS
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = GITSLICE_SECURE
SECURE_HSTS_SECONDS = 31536000 if GITSLICE_SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = GITSLICE_SECURE
# W021: whether a company's whole domain goes into browsers' preload lists is not for one server in it to say.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if GITSLICE_SECURE and not _given["GITSLICE_TLS_CERT"] else None
)  # who speaks HTTPS itself has no proxy in front that could say so
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "gitslice.telemetry.logs.formatter", "shape": GITSLICE_LOG_FORMAT}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        # The S3 client's own debugging quotes keys and signatures, whatever level ours has.
        **{name: {"level": "INFO"} for name in ("boto3", "botocore", "s3transfer")},
        # Tasks have a line of ours (gitslice/telemetry/tasks.py).
        **{name: {"level": "WARNING"} for name in ("celery", "kombu", "amqp")},
        # Of what is refused the line of the request tells.
        "django.request": {"level": "ERROR"},
        "django.server": {"handlers": [], "propagate": True},
    },
    "root": {"handlers": ["stderr"], "level": _given["GITSLICE_LOG_LEVEL"]},
}
