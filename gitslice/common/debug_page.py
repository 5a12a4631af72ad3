"""Django's page with a traceback, which only development has, without secrets."""

from __future__ import annotations

from typing import Any

from django.views.debug import SafeExceptionReporterFilter

from gitslice.common.logs import without_secrets


class DebugPageFilter(SafeExceptionReporterFilter):
    """What pages with tracebacks, which only development has, show of settings and variables."""

    def cleanse_setting(self, key: Any, value: Any) -> Any:
        shown = super().cleanse_setting(key, value)
        return without_secrets(shown) if isinstance(shown, str) else shown

    def get_traceback_frame_variables(self, request: Any, tb_frame: Any) -> Any:
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleanse_setting(name, value)) for name, value in variables]
