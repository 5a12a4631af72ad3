from django.db import migrations

BATCH = 10_000
ANSWERS = """
UPDATE changesets_comment SET thread_id = id
 WHERE id IN (SELECT comment.id FROM changesets_comment comment
                JOIN changesets_thread thread ON thread.id = comment.id
                 AND thread.changeset_id = comment.changeset_id AND thread.path = comment.path
               WHERE comment.path <> '' AND comment.thread_id IS NULL ORDER BY comment.id LIMIT %s)
"""


def answer(apps, schema_editor):
    """What was said about files belongs to the threads that 0003 made of it."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(ANSWERS, [BATCH])
        while cursor.rowcount:
            cursor.execute(ANSWERS, [BATCH])


def finished(column):
    """The index, and the proof that the references of 0003 hold, which locks nobody out."""
    return [
        f'CREATE INDEX CONCURRENTLY IF NOT EXISTS "changesets_comment_{column}" ON "changesets_comment" ("{column}")',
        f'ALTER TABLE "changesets_comment" VALIDATE CONSTRAINT "changesets_comment_{column}_refers"',
    ]


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("changesets", "0004_file_view")]

    operations = [
        migrations.RunPython(answer, migrations.RunPython.noop),
        *(
            migrations.RunSQL(statement, migrations.RunSQL.noop)
            for column in ("thread_id", "applied_in_id")
            for statement in finished(column)
        ),
    ]
