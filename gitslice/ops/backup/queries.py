"""What is asked of a database that is backed up, and done to one that is restored."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from gitslice.ops.backup.manifests import PackFacts

COUNTS = {
    "organizations": "accounts_organization",
    "users": "accounts_user",
    "slices": "slices_slice",
    "changesets": "changesets_changeset",
    "commits": "slices_commit",
    "blobs": "objects_blob",
}

PACKS = (
    "SELECT organization_id, encode(digest, 'hex'), size FROM objects_pack ORDER BY organization_id, digest"
)

# Tables that have rows before anybody has used the system, or because somebody looked at its sign-in page.
ALWAYS = (
    "django_migrations",
    "django_content_type",
    "auth_permission",
    "django_session",
    "conflicts_mailcursor",
    "ops_migrationmark",
)

TABLES = """
SELECT class.oid::regclass FROM pg_class class
 WHERE class.relnamespace = current_schema()::regnamespace AND class.relkind IN ('r', 'p')
"""

# Nobody can add a row between this and the end of the transaction that it is in.
EMPTY = f"""
DO $$ DECLARE name regclass; used boolean; BEGIN
    FOR name IN {TABLES} LOOP
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', name);
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO used;
        IF used AND name::text NOT IN {ALWAYS} THEN RAISE EXCEPTION 'the table % has rows', name; END IF;
    END LOOP;
END $$
"""

# All tables, and what belongs to no table and to no extension.
REMOVED = f"""
DO $$ DECLARE name text; BEGIN
    FOR name IN {TABLES} LOOP EXECUTE format('DROP TABLE %s CASCADE', name); END LOOP;
    FOR name IN SELECT class.oid::regclass FROM pg_class class
                 WHERE class.relnamespace = current_schema()::regnamespace AND class.relkind = 'S'
    LOOP EXECUTE format('DROP SEQUENCE %s CASCADE', name); END LOOP;
    FOR name IN SELECT routine.oid::regprocedure FROM pg_proc routine
                 WHERE routine.pronamespace = current_schema()::regnamespace
                   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = routine.oid AND deptype = 'e')
    LOOP EXECUTE format('DROP ROUTINE %s CASCADE', name); END LOOP;
END $$
"""

# Nobody is signed in, and nothing is told to the world a second time: webhooks wait for an administrator, what was on
# its way counts as not delivered, mail begins with what is to come. Tokens, and all else, are as they were.
ENDED = """
TRUNCATE django_session, usersessions_usersession;
UPDATE accounts_webhook SET active = false;
UPDATE accounts_webhookdelivery SET state = 'failed', next_at = NULL, last_error = 'not sent: the system was restored'
 WHERE state = 'pending';
DELETE FROM conflicts_mailcursor;
"""

PACKS_DIGEST = """
SELECT encode(sha256(convert_to(coalesce(string_agg(
    organization_id || ' ' || encode(digest, 'hex') || ' ' || size, E'\\n' ORDER BY organization_id, digest), ''
), 'UTF8')), 'hex') FROM objects_pack
"""


def as_told(counts: Mapping[str, int], packs: Iterable[PackFacts]) -> str:
    """Fails unless the rows are as many as were counted, and name exactly these packs."""
    lines = [f"{pack.organization} {pack.sha256} {pack.size}" for pack in sorted(packs, key=_place)]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    checks = [
        (
            f"(SELECT count(*) FROM {table}) <> {int(counts[name])}",
            f"there are not {int(counts[name])} {name}",
        )
        for name, table in COUNTS.items()
    ]
    checks.append((f"({PACKS_DIGEST}) <> '{digest}'", "the rows name other packs than the backup has"))
    conditions = "\n".join(f"IF {wrong} THEN RAISE EXCEPTION '{text}'; END IF;" for wrong, text in checks)
    return f"DO $$ BEGIN\n{conditions}\nEND $$"


def _place(pack: PackFacts) -> tuple[int, str]:
    return pack.organization, pack.sha256
