from django.apps import AppConfig


class ChangesetsConfig(AppConfig):
    name = "changesets"
    default_auto_field = "django.db.models.BigAutoField"
