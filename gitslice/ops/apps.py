from django.apps import AppConfig


class OpsConfig(AppConfig):
    name = "gitslice.ops"
    label = "ops"
