from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.support import end_support


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """The button of the banner: harmless for who acts as nobody else."""
    end_support(request=request)
    messages.success(request, "You are yourself again.")
    return HttpResponseRedirect(reverse("home"))
