from django.apps import AppConfig


class ObjectsConfig(AppConfig):
    name = "gitslice.objects"
    label = "objects"
    default_auto_field = "django.db.models.BigAutoField"
