from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class OpsConfig(AppConfig):
    name = "gitslice.ops"
    label = "ops"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from gitslice.ops.marking import mark_migrations  # models are not there earlier

        for moment in (pre_migrate, post_migrate):  # before: code that starts meanwhile has to know
            moment.connect(mark_migrations, sender=self, dispatch_uid="migration marks")
