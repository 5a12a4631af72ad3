from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("slices", "0005_coverage_counts"),
    ]

    operations = [
        AddIndexConcurrently("commit", models.Index(fields=["organization", "landed_at"], name="commit_by_time")),
    ]
