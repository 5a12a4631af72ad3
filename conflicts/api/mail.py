from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.scopes import READ, WRITE
from conflicts.models import MailChoice


class MailChoiceBody(serializers.ModelSerializer[MailChoice]):
    class Meta:
        model = MailChoice
        fields = ("conflicts", "reviews", "landings")


class MailChoiceView(APIView):
    """What one hears of by e-mail."""

    scopes = {"GET": READ, "PATCH": WRITE}

    @extend_schema(operation_id="get_mail_choice", responses=MailChoiceBody, tags=["events"])
    def get(self, request: Request) -> Response:
        return Response(MailChoiceBody(_choice(request)).data)

    @extend_schema(
        operation_id="set_mail_choice", request=MailChoiceBody, responses=MailChoiceBody, tags=["events"]
    )
    def patch(self, request: Request) -> Response:
        body = MailChoiceBody(_choice(request), data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        body.save()
        return Response(body.data)


def _choice(request: Request) -> MailChoice:
    user = signed_in(request.user)
    return MailChoice.objects.filter(user=user).first() or MailChoice(user=user)
