from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        import accounts.schema  # registers the extension  # noqa: F401
        from accounts import rate_limits
        from accounts.audit import write_event
        from accounts.sign_in import trail
        from accounts.trail import sign_ins
        from gitslice.common.audit import set_recorder

        set_recorder(write_event)
        sign_ins.connect()
        trail.connect()
        rate_limits.connect()
