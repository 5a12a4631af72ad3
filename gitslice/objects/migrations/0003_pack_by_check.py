from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("objects", "0002_integrity")]

    operations = [
        AddIndexConcurrently(
            model_name="pack",
            index=models.Index(models.OrderBy(models.F("checked_at"), nulls_first=True), name="pack_by_check"),
        ),
    ]
