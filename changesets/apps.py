from django.apps import AppConfig


class ChangesetsConfig(AppConfig):
    name = "changesets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from gitslice.objects.naming import blobs_are_named_in

        blobs_are_named_in("changesets_edit", "digest")  # of every patchset, also of abandoned changesets
