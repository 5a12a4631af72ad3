"""Every setting of the server. The table in docs/configuration.md is made from these (`make configuration.update`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from gitslice.configuration import kinds
from gitslice.configuration.kinds import Kind


@dataclass(frozen=True)
class Setting:
    """`default` is written as an administrator would write it; `made` says what stands in its place where the system
    finds a value itself. A `secret` is never shown, and NAME_FILE may name a file that holds it."""

    name: str
    kind: Kind
    default: str
    doc: str
    unit: str = ""
    least: int | None = None
    most: int | None = None
    secret: bool = False
    made: str = ""


@dataclass(frozen=True)
class Section:
    title: str
    settings: tuple[Setting, ...] = field(default=())


number = partial(Setting, kind=kinds.NUMBER, least=1)
size = partial(Setting, kind=kinds.SIZE_KIND, unit="bytes", least=1)
seconds = partial(Setting, kind=kinds.NUMBER, unit="seconds", least=1, most=86_400)
text = partial(Setting, kind=kinds.TEXT, default="")
flag = partial(Setting, kind=kinds.FLAG, default="0")
networks = partial(Setting, kind=kinds.NETWORKS, default="")

PROCESSES = Section(
    "The installation",
    (
        Setting(
            "GITSLICE_HOME",
            kinds.FOLDER,
            ".data",
            "data folder: embedded servers, objects, secrets that the system makes",
        ),
        text(name="GITSLICE_BIND", default="127.0.0.1", doc="address on which the web server listens"),
        number(
            name="GITSLICE_PORT",
            default="8000",
            most=65_535,
            doc="port on which the web server listens",
        ),
        Setting(
            "GITSLICE_PUBLIC_URL",
            kinds.ADDRESS,
            "",
            "the address that people use, in mails and links",
            made="http://localhost:PORT, https with GITSLICE_TLS_CERT",
        ),
        Setting(
            "GITSLICE_ALLOWED_HOSTS",
            kinds.WORDS,
            "localhost,127.0.0.1,[::1],testserver",
            "host names that are answered, separated by commas",
        ),
        Setting(
            "GITSLICE_ROLE",
            kinds.choice("web", "worker", "beat", "command"),
            "command",
            "what a process is; `make run` and docker-compose.yml set it, you do where you start processes yourself",
        ),
        flag(name="GITSLICE_DEMO", default="1", doc="load the demo organization in `make run`"),
        number(name="GITSLICE_WEB_WORKERS", default="2", most=512, doc="web processes"),
        number(
            name="GITSLICE_WEB_THREADS",
            default="8",
            most=1024,
            doc="requests that each web process works on at once",
        ),
        number(name="GITSLICE_WORKERS", default="2", most=512, doc="worker processes in `make run`"),
        Setting(
            "GITSLICE_STATIC_ROOT",
            kinds.FOLDER,
            "",
            "folder of the styles and scripts that `prepare` collects",
            made="HOME/static",
        ),
        flag(name="GITSLICE_DEBUG", doc="pages that show tracebacks, for development only"),
    ),
)

TELEMETRY = Section(
    "Logs, metrics and traces",
    (
        Setting(
            "GITSLICE_LOG_LEVEL",
            kinds.choice("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"),
            "INFO",
            "of the server's log on stderr ([observability](observability.md))",
        ),
        Setting(
            "GITSLICE_LOG_FORMAT",
            kinds.choice("auto", "json", "text"),
            "auto",
            "of its lines; `auto`: text at a terminal, JSON elsewhere",
        ),
        text(
            name="GITSLICE_METRICS_TOKEN",
            doc="what `/metrics` asks for; without one it answers this machine only",
            secret=True,
        ),
        flag(name="GITSLICE_METRICS_ORGANIZATIONS", doc="`1`: some metrics tell organizations apart by name"),
        number(
            name="GITSLICE_METRICS_PORT",
            default="0",
            least=0,
            most=65_535,
            doc="port at which workers serve `/metrics`, where they have no folder in common with the web server; "
            "`0`: none",
        ),
        Setting(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            kinds.COLLECTOR,
            "",
            "where [traces](observability.md#traces) go, like `http://collector:4318`; without it there are none",
        ),
    ),
)

SERVERS = Section(
    "Database, queue and objects",
    (
        Setting(
            "DATABASE_URL",
            kinds.DATABASE,
            "",
            "`postgresql://user:password@host:port/name?sslmode=verify-full&sslrootcert=FILE`; "
            "any option of libpq may follow",
            secret=True,
            made="embedded PostgreSQL",
        ),
        text(
            name="DATABASE_PASSWORD", doc="password of the database, instead of one in the URL", secret=True
        ),
        number(
            name="GITSLICE_DATABASE_POOL",
            default="16",
            most=1000,
            doc="connections to the database that a web process holds at most",
        ),
        seconds(name="GITSLICE_SQL_TIMEOUT_SECONDS", default="10", doc="longest statement of a web request"),
        seconds(
            name="GITSLICE_LOCK_TIMEOUT_SECONDS",
            default="10",
            doc="longest that a web request waits for a lock in the database, also where its statement may take longer",
        ),
        seconds(
            name="GITSLICE_WORKER_SQL_TIMEOUT_SECONDS",
            default="600",
            doc="longest statement of a worker; commands have no limit",
        ),
        seconds(
            name="GITSLICE_WORKER_LOCK_TIMEOUT_SECONDS",
            default="60",
            doc="longest that a worker waits for a lock in the database",
        ),
        Setting(
            "REDIS_URL",
            kinds.REDIS,
            "",
            "`redis://:password@host:port/0`, `rediss://host:port/0?ca=FILE` or `unix://`",
            secret=True,
            made="embedded Valkey",
        ),
        text(name="REDIS_PASSWORD", doc="password of Redis, instead of one in the URL", secret=True),
        Setting(
            "OBJECT_STORE_URL",
            kinds.OBJECTS,
            "",
            "`file:///folder` or `s3://bucket?endpoint=URL&region=NAME&prefix=TEXT&ca=FILE`",
            made="file://HOME/objects",
        ),
        text(
            name="AWS_ACCESS_KEY_ID",
            doc="key for `s3://`; without one the machine's role counts",
            secret=True,
        ),
        text(name="AWS_SECRET_ACCESS_KEY", doc="secret that belongs to it", secret=True),
    ),
)

SECURITY = Section(
    "Keys, TLS and networks",
    (
        text(
            name="GITSLICE_SECRET_KEY",
            doc="signs sessions and links, seals secrets in the database ([rotation](#changing-the-secret-key))",
            secret=True,
            made="made once, kept in HOME/secret_key",
        ),
        Setting(
            "GITSLICE_SECRET_KEY_FALLBACKS",
            kinds.LINES,
            "",
            "older keys that still hold, separated by commas",
            secret=True,
        ),
        Setting(
            "GITSLICE_BACKUP_KEY_FILE",
            kinds.PATH,
            "",
            "file with the key that seals [backups](backup.md); only commands for backups read it",
        ),
        flag(
            name="GITSLICE_SECURE",
            made="`1` with GITSLICE_TLS_CERT, else `0`",
            default="",
            doc="`1` behind HTTPS: secure cookies, HSTS, redirect; trusts `X-Forwarded-Proto`",
        ),
        Setting(
            "GITSLICE_TLS_CERT",
            kinds.FILE,
            "",
            "certificate with its chain, PEM: the web server speaks [HTTPS itself](tls.md)",
        ),
        Setting("GITSLICE_TLS_KEY", kinds.FILE, "", "key of the certificate, PEM"),
        networks(
            name="GITSLICE_TRUSTED_PROXIES",
            doc="networks of our own proxies, whose `X-Forwarded-For` is believed, like `10.0.0.0/8`",
        ),
        networks(
            name="GITSLICE_WEBHOOK_NETWORKS",
            doc="private networks that [webhooks](webhooks.md) may reach, like `10.1.0.0/16`",
        ),
        networks(
            name="GITSLICE_SSO_NETWORKS",
            doc="private networks where identity providers may be, like `10.1.0.0/16`",
        ),
        Setting(
            "GITSLICE_DNS_SERVERS",
            kinds.SERVERS,
            "",
            "who is asked whether a domain is an organization's, like `10.1.0.53:53`",
            made="the system's",
        ),
        flag(
            name="GITSLICE_OPEN_SIGN_UP",
            doc="`1`: anybody may make an account; else by invitation ([sign-in](sign-in.md))",
        ),
        number(
            name="GITSLICE_DEVICE_TOKEN_DAYS",
            default="90",
            unit="days",
            least=0,
            most=36_500,
            doc="how long the token of `gs auth login` lives; `0`: for ever",
        ),
    ),
)

LIMITS = Section(
    "Limits",
    (
        size(name="GITSLICE_MAX_BLOB_BYTES", default="2 GiB", doc="largest file"),
        size(name="GITSLICE_MAX_PACK_BYTES", default="8 GiB", doc="largest upload"),
        number(name="GITSLICE_MAX_PACK_BLOBS", default="100000", doc="most blobs that one upload holds"),
        number(name="GITSLICE_MAX_EDITS", default="100000", doc="edits in a patchset"),
        size(name="GITSLICE_MAX_JSON_BYTES", default="1 MiB", doc="largest JSON body"),
        size(name="GITSLICE_MAX_FORM_BYTES", default="32 MiB", doc="largest form of a page"),
        size(
            name="GITSLICE_MAX_UPLOAD_BYTES",
            default="256 MiB",
            doc="largest upload of files in the browser, all together",
        ),
        size(name="GITSLICE_MAX_MERGE_BYTES", default="10 MiB", doc="largest file that is merged by lines"),
        number(
            name="GITSLICE_LIMIT_ADDRESS",
            default="120000",
            least=0,
            unit="a minute",
            doc="requests from one address; `0`: any number, as in the next two",
        ),
        number(
            name="GITSLICE_LIMIT_ACCOUNT",
            default="60000",
            least=0,
            unit="a minute",
            doc="requests of one account",
        ),
        number(
            name="GITSLICE_LIMIT_TOKEN",
            default="30000",
            least=0,
            unit="a minute",
            doc="requests with one token",
        ),
        number(
            name="GITSLICE_LIMIT_SIGN_INS",
            default="10",
            unit="in 5 minutes",
            doc="failed sign-ins to one account from one address; 5 times as many from an address, 10 times to an "
            "account",
        ),
        number(
            name="GITSLICE_WEB_WAITING",
            default="64",
            least=0,
            most=4096,
            doc="requests that wait for their turn in each web process; more get [503](reliability.md) at once",
        ),
        seconds(
            name="GITSLICE_WEB_WAIT_SECONDS",
            default="5",
            doc="longest that a request waits for its turn, before it gets 503",
        ),
        number(
            name="GITSLICE_MAX_WATCHERS",
            default="2000",
            least=0,
            doc="event streams that a web process serves at most",
        ),
    ),
)

SCHEDULE = Section(
    "Mail and the schedule",
    (
        Setting(
            "GITSLICE_EMAIL_URL",
            kinds.MAIL,
            "",
            "`smtp://user:password@host:port`, with `?tls=1` for STARTTLS, or `smtps://`; without it no mail is sent",
            secret=True,
        ),
        text(
            name="GITSLICE_EMAIL_PASSWORD",
            doc="password of the mail server, instead of one in the URL",
            secret=True,
        ),
        text(name="GITSLICE_EMAIL_FROM", default="gitslice@localhost", doc="sender of mail"),
        seconds(name="GITSLICE_MAIL_SECONDS", default="60", doc="how often mail goes out"),
        seconds(
            name="GITSLICE_GLOBAL_MERGE_SECONDS",
            default="5",
            doc="how often what has landed is merged into the global state",
        ),
        seconds(
            name="GITSLICE_COVERAGE_SECONDS",
            default="20",
            doc="how often the map of what slices cover is brought up to date",
        ),
        seconds(
            name="GITSLICE_SEARCH_SECONDS",
            default="5",
            doc="how often the texts of what has landed are read in for the search",
        ),
        seconds(
            name="GITSLICE_SWEEP_SECONDS",
            default="300",
            doc="how often conflicts that lost messages left behind are looked for",
        ),
        seconds(
            name="GITSLICE_AUDIT_SECONDS",
            default="5",
            doc="how often new events of the [audit trail](audit.md) are chained",
        ),
        seconds(name="GITSLICE_WEBHOOK_SECONDS", default="2", doc="how often webhooks are looked after"),
    ),
)

INTEGRITY = Section(
    "Integrity and garbage collection",
    (
        seconds(
            name="GITSLICE_FSCK_SECONDS",
            default="600",
            doc="how often some of what is stored is checked ([integrity](integrity.md))",
        ),
        size(name="GITSLICE_FSCK_BYTES", default="256 MiB", doc="bytes of packs that one such check reads"),
        number(name="GITSLICE_FSCK_COMMITS", default="500", doc="commits that it recomputes"),
        seconds(
            name="GITSLICE_GC_SECONDS",
            default="86400",
            doc="how often blobs that nothing names are collected",
        ),
        number(
            name="GITSLICE_GC_GRACE_DAYS",
            default="14",
            unit="days",
            doc="for which an upload stays that nothing names",
        ),
        number(
            name="GITSLICE_REMOVAL_GRACE_HOURS",
            default="168",
            unit="hours",
            doc="for which an object stays that no row names any more",
        ),
        seconds(name="GITSLICE_COMPACT_SECONDS", default="3600", doc="how often small packs are joined"),
        size(
            name="GITSLICE_COMPACT_BYTES",
            default="512 MiB",
            doc="bytes that one such run reads of an organization",
        ),
        size(name="GITSLICE_COMPACT_BELOW_BYTES", default="8 MiB", doc="packs that are small"),
        size(
            name="GITSLICE_COMPACT_TO_BYTES",
            default="64 MiB",
            doc="size of what they become at most",
        ),
    ),
)

SECTIONS = (PROCESSES, TELEMETRY, SERVERS, SECURITY, LIMITS, SCHEDULE, INTEGRITY)
SETTINGS = {setting.name: setting for section in SECTIONS for setting in section.settings}

# Names that begin like ours and are read by others: the program `gs`, docker-compose.yml, the tests.
OTHERS = frozenset(
    f"GITSLICE_{name}"
    for name in (
        *("CONFIG", "API_ENDPOINT", "AUTH_TOKEN", "ORGANIZATION", "CONFIG_DIR", "EDITOR", "DIFFTOOL"),
        *("CA_FILE", "ALLOW_HTTP", "PUBLISH"),
        *("TEST_HOME", "TEST_TOOLS", "TEST_CASES", "RACE_ROUNDS", "FAULT_ROUNDS"),
    )
)
