from __future__ import annotations

from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.quotas.amounts import parse_limit, written
from accounts.quotas.models import Quota
from gitslice.common.errors import DomainError


class QuotaForm(forms.ModelForm):
    """Sets the limit, typed as people write it."""

    limit = forms.CharField(
        required=False,
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text="A number; of bytes also like 50G. Empty: no limit.",
    )

    class Meta:
        model = Quota
        fields = ["limit"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["limit"] = written(self.instance.kind, self.instance.limit)

    def clean_limit(self) -> int | None:
        try:
            return parse_limit(self.instance.kind, self.cleaned_data["limit"])
        except DomainError as error:
            raise forms.ValidationError(str(error)) from None
