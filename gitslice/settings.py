"""Django's settings. Everything that differs between installations comes from the environment (gitslice/env.py)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from gitslice import env

BASE_DIR = Path(__file__).resolve().parent.parent

try:
    GITSLICE_HOME = env.home(BASE_DIR)
    GITSLICE_PORT = env.number("GITSLICE_PORT", env.DEFAULT_PORT)
    DATABASE_URL = env.text("DATABASE_URL")
    REDIS_URL = env.text("REDIS_URL")
    OBJECT_STORE_URL = env.text("OBJECT_STORE_URL", f"file://{GITSLICE_HOME / 'objects'}")
    if not (DATABASE_URL and REDIS_URL):
        _embedded_file = GITSLICE_HOME / "embedded.json"  # written by gitslice.ops.embedded
        _embedded = json.loads(_embedded_file.read_text()) if _embedded_file.exists() else {}
        DATABASE_URL = DATABASE_URL or _embedded.get(
            "database_url", "postgresql://gitslice@127.0.0.1:1/gitslice"
        )
        REDIS_URL = REDIS_URL or _embedded.get("redis_url", "redis://127.0.0.1:1/0")
    SECRET_KEY = env.secret_key(GITSLICE_HOME)
    SECRET_KEY_FALLBACKS = env.words("GITSLICE_SECRET_KEY_FALLBACKS", "")
    _database = env.database(DATABASE_URL)
    _object_storage = env.object_storage(OBJECT_STORE_URL)
    REDIS_URL = env.redis(REDIS_URL)
    ALLOWED_HOSTS = env.words("GITSLICE_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver")
    DEBUG = env.flag("GITSLICE_DEBUG", False)
    GITSLICE_SECURE = env.flag("GITSLICE_SECURE", False)

    GITSLICE_MAX_BLOB_BYTES = env.number("GITSLICE_MAX_BLOB_BYTES", 2 << 30)
    GITSLICE_MAX_PACK_BYTES = env.number("GITSLICE_MAX_PACK_BYTES", 8 << 30)
    GITSLICE_MAX_PACK_BLOBS = env.number("GITSLICE_MAX_PACK_BLOBS", 100_000)
    GITSLICE_MAX_EDITS = env.number("GITSLICE_MAX_EDITS", 100_000)
    GITSLICE_MAX_JSON_BYTES = env.number("GITSLICE_MAX_JSON_BYTES", 1 << 20)
    GITSLICE_MAX_FORM_BYTES = env.number("GITSLICE_MAX_FORM_BYTES", 32 << 20)
    GITSLICE_MAX_MERGE_BYTES = env.number("GITSLICE_MAX_MERGE_BYTES", 10 << 20)
    GITSLICE_SQL_TIMEOUT_SECONDS = env.number("GITSLICE_SQL_TIMEOUT_SECONDS", 10)
    GITSLICE_SWEEP_SECONDS = env.number("GITSLICE_SWEEP_SECONDS", 300)
    GITSLICE_SEARCH_SECONDS = env.number("GITSLICE_SEARCH_SECONDS", 5)
    GITSLICE_GLOBAL_MERGE_SECONDS = env.number("GITSLICE_GLOBAL_MERGE_SECONDS", 5)
    GITSLICE_MAIL_SECONDS = env.number("GITSLICE_MAIL_SECONDS", 60)
    GITSLICE_WEBHOOK_SECONDS = env.number("GITSLICE_WEBHOOK_SECONDS", 2)
    GITSLICE_LIMIT_ADDRESS = env.number("GITSLICE_LIMIT_ADDRESS", 120_000)
    GITSLICE_LIMIT_ACCOUNT = env.number("GITSLICE_LIMIT_ACCOUNT", 60_000)
    GITSLICE_LIMIT_TOKEN = env.number("GITSLICE_LIMIT_TOKEN", 30_000)
    GITSLICE_LIMIT_SIGN_INS = env.number("GITSLICE_LIMIT_SIGN_INS", 10)
    GITSLICE_TRUSTED_PROXIES = env.networks("GITSLICE_TRUSTED_PROXIES")
    GITSLICE_AUDIT_SECONDS = env.number("GITSLICE_AUDIT_SECONDS", 5)
    GITSLICE_WEBHOOK_NETWORKS = env.networks("GITSLICE_WEBHOOK_NETWORKS")
    GITSLICE_DEVICE_TOKEN_DAYS = env.number("GITSLICE_DEVICE_TOKEN_DAYS", 90)
    globals().update(env.email(env.text("GITSLICE_EMAIL_URL")))
    DEFAULT_FROM_EMAIL = env.text("GITSLICE_EMAIL_FROM", "gitslice@localhost")
    GITSLICE_OPEN_SIGN_UP = env.flag("GITSLICE_OPEN_SIGN_UP", False)
    env.check_open_sign_up(GITSLICE_OPEN_SIGN_UP, mail=env.text("GITSLICE_EMAIL_URL"))
    GITSLICE_SSO_NETWORKS = env.networks("GITSLICE_SSO_NETWORKS")
    GITSLICE_DNS_SERVERS = env.servers("GITSLICE_DNS_SERVERS")
    GITSLICE_MAX_WATCHERS = env.number("GITSLICE_MAX_WATCHERS", 2_000)
    GITSLICE_DATABASE_POOL = env.number("GITSLICE_DATABASE_POOL", 16)
    GITSLICE_FSCK_SECONDS = env.number("GITSLICE_FSCK_SECONDS", 600)
    GITSLICE_FSCK_BYTES = env.number("GITSLICE_FSCK_BYTES", 256 << 20)
    GITSLICE_FSCK_COMMITS = env.number("GITSLICE_FSCK_COMMITS", 500)
    GITSLICE_GC_SECONDS = env.number("GITSLICE_GC_SECONDS", 86_400)
    GITSLICE_GC_GRACE_DAYS = env.number("GITSLICE_GC_GRACE_DAYS", 14)
    GITSLICE_REMOVAL_GRACE_HOURS = env.number("GITSLICE_REMOVAL_GRACE_HOURS", 168)
    GITSLICE_COMPACT_SECONDS = env.number("GITSLICE_COMPACT_SECONDS", 3600)
    GITSLICE_COMPACT_BYTES = env.number("GITSLICE_COMPACT_BYTES", 512 << 20)
    GITSLICE_COMPACT_BELOW_BYTES = env.number("GITSLICE_COMPACT_BELOW_BYTES", 8 << 20)
    GITSLICE_COMPACT_TO_BYTES = env.number("GITSLICE_COMPACT_TO_BYTES", 64 << 20)
    GITSLICE_PUBLIC_URL = env.public_url(GITSLICE_HOME)
    GITSLICE_ROLE = env.text("GITSLICE_ROLE", "command")  # web | worker | beat | command
    GITSLICE_METRICS_TOKEN = env.text("GITSLICE_METRICS_TOKEN")
    GITSLICE_BACKUP_KEY_FILE = env.text("GITSLICE_BACKUP_KEY_FILE")
    env.share_metrics(GITSLICE_HOME, GITSLICE_ROLE)
except env.SettingError as error:
    sys.exit(f"error: {error}")

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
    "accounts",
    "slices",
    "changesets",
    "conflicts",
]

MIDDLEWARE = [
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
    """Web processes share a pool among their threads, and stop a statement that runs too long."""
    options: dict[str, Any] = dict(_database.get("OPTIONS", {}))
    options |= {
        "server_side_binding": True,
        "prepare_threshold": 5,
    }  # plans are made once for each connection
    if GITSLICE_ROLE == "web":
        options["pool"] = {"min_size": 1, "max_size": GITSLICE_DATABASE_POOL, "timeout": 10}
        options["options"] = f"-c statement_timeout={GITSLICE_SQL_TIMEOUT_SECONDS}s"
    return options


DATABASES = {
    "default": {
        **_database,
        "ENGINE": "django.db.backends.postgresql",
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
        "OPTIONS": {"IGNORE_EXCEPTIONS": True, "SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 2},
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
STATIC_ROOT = Path(env.text("GITSLICE_STATIC_ROOT") or GITSLICE_HOME / "static")
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
DATA_UPLOAD_MAX_MEMORY_SIZE = GITSLICE_MAX_FORM_BYTES  # of forms; the API's parsers know their own limits

UNFOLD = {
    "SITE_TITLE": "GitSlice administration",
    "SITE_HEADER": "GitSlice",
    "SITE_SUBHEADER": "Administration",
    "SITE_SYMBOL": "layers",
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}

CELERY_BROKER_URL = REDIS_URL
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
    "slices.merge_global_states": {
        "task": "slices.merge_global_states",
        "schedule": GITSLICE_GLOBAL_MERGE_SECONDS,
        "options": {"expires": 60},
    },
    "slices.index_landed": {
        "task": "slices.index_landed",
        "schedule": GITSLICE_SEARCH_SECONDS,
        "options": {"expires": 60},
    },
    "conflicts.sweep": {"task": "conflicts.sweep", "schedule": GITSLICE_SWEEP_SECONDS},
    "conflicts.send_mail": {"task": "conflicts.send_mail", "schedule": GITSLICE_MAIL_SECONDS},
    "accounts.forget_old_events": {"task": "accounts.forget_old_events", "schedule": 3600},
    "accounts.forget_old_deliveries": {"task": "accounts.forget_old_deliveries", "schedule": 3600},
    "accounts.forget_old_device_grants": {"task": "accounts.forget_old_device_grants", "schedule": 3600},
    "accounts.forget_sessions": {"task": "accounts.forget_sessions", "schedule": 3600},
    "accounts.chain_audit": {
        "task": "accounts.chain_audit",
        "schedule": GITSLICE_AUDIT_SECONDS,
        "options": {"expires": 60},
    },
    "accounts.chain_audit_everywhere": {
        "task": "accounts.chain_audit",
        "schedule": 3600,
        "kwargs": {"everywhere": True},
    },
    "ops.check_sample": {
        "task": "ops.check_sample",
        "schedule": GITSLICE_FSCK_SECONDS,
        "options": {"expires": 600},
    },
    "ops.collect_garbage": {
        "task": "ops.collect_garbage",
        "schedule": GITSLICE_GC_SECONDS,
        "options": {"expires": 3600},
    },
    "ops.compact_packs": {
        "task": "ops.compact_packs",
        "schedule": GITSLICE_COMPACT_SECONDS,
        "options": {"expires": 3600},
    },
    "accounts.dispatch_webhooks": {
        "task": "accounts.dispatch_webhooks",
        "schedule": GITSLICE_WEBHOOK_SECONDS,
        "options": {"expires": 300},  # they do not pile up while no worker runs
    },
}
# Receivers of webhooks may be slow: a worker of their own keeps them from holding up everything else.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {"celery": {}, "webhooks": {}}
CELERY_TASK_ROUTES = {"accounts.send_webhook": {"queue": "webhooks"}}
CELERY_TIMEZONE = "UTC"

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
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if GITSLICE_SECURE else None
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "gitslice.common.logs.line_formatter",
            "format": "{asctime} {levelname} {name} {message}",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("GITSLICE_LOG_LEVEL", "INFO")},
}
