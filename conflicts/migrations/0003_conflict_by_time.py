from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("conflicts", "0002_open_changesets"),
    ]

    operations = [
        AddIndexConcurrently(
            "conflict", models.Index(fields=["organization", "created_at"], name="conflict_by_time")
        ),
    ]
