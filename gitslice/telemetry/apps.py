from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "gitslice.telemetry"
    label = "telemetry"

    def ready(self) -> None:
        from gitslice.telemetry import requests, sql, tasks

        sql.connect()
        requests.connect()
        tasks.connect()
