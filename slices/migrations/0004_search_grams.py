import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """The new index answers without reading a text; the old one is dropped once it stands. Nobody waits."""

    atomic = False

    dependencies = [
        ("slices", "0003_search"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="searchtext",
            index=django.contrib.postgres.indexes.GinIndex(
                models.F("organization"),
                models.Func(
                    models.Func("text", models.Value("_"), models.Value("q"), function="translate"),
                    function="show_trgm",
                ),
                name="search_text_grams",
            ),
        ),
        RemoveIndexConcurrently(model_name="searchtext", name="search_text_trigrams"),
    ]
