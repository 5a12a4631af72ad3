from django.apps import AppConfig


class SlicesConfig(AppConfig):
    name = "slices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from gitslice.objects.naming import blobs_are_named_in
        from slices.receivers import connect

        connect()
        blobs_are_named_in("objects_redaction", "placeholder")
        blobs_are_named_in("slices_pathversion", "new_digest")  # heads and old entries are of versions too
