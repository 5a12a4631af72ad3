"""A new secret key, from the day it is set to the day the old one is gone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import IdempotencyKey
from accounts.resealing import PLACES, _rows
from accounts.sso.models import IdentityProvider
from accounts.webhooks.models import Webhook
from gitslice.common.secrets import Unreadable, seal, unseal
from tests.world import World

OLD, NEW = "the old key " * 4, "the new key " * 4
SECRETS = {"whsec_one", "whsec_two", "client", "PEM", "seed", "codes", "first", "second", "answered"}


@pytest.fixture
def world(db, settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    world = World()
    organization, owner = world.organization, world.owner
    Webhook.objects.create(
        organization=organization,
        url="https://example.com/",
        topics=[],
        position=0,
        secret=seal("whsec_one"),
        old_secret=seal("whsec_two"),
    )
    IdentityProvider.objects.create(
        organization=organization,
        protocol="oidc",
        issuer="x",
        client_secret=seal("client"),
        own_key=seal("PEM"),
    )
    for kind, data in (
        ("totp", {"secret": seal("seed")}),
        ("recovery_codes", {"seed": seal("codes"), "used_mask": 5}),
        ("recovery_codes", {"migrated_codes": [seal("first"), seal("second")]}),
        ("webauthn", {"name": "Key", "credential": {"secret": 1}}),
    ):
        user = owner if "migrated_codes" not in data else world.user("ben")
        Authenticator.objects.create(user=user, type=kind, data=data)
    IdempotencyKey.objects.create(
        user=owner, key="k", fingerprint=b"f", status=201, body={"id": 1, "secret": seal("answered")}
    )
    return world


def opened() -> set[str]:
    found: set[str] = set()
    for place in PLACES:
        for _, value in _rows(place):
            texts: list[Any] = (
                [value] if not place.keys else [value[key] for key in place.keys if key in value]
            )
            for text in texts:
                found |= {unseal(part) for part in (text if isinstance(text, list) else [text])}
    return found


def test_everything_opens_before_during_and_after(world, settings, capsys):
    assert opened() == SECRETS
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert opened() == SECRETS
    call_command("rotate_secrets")
    assert "accounts.webhook" not in capsys.readouterr().err
    assert opened() == SECRETS
    before = list(Webhook.objects.values_list("secret", flat=True))
    call_command("rotate_secrets")
    assert " 0 resealed, 3 current" in capsys.readouterr().out
    assert list(Webhook.objects.values_list("secret", flat=True)) == before
    settings.SECRET_KEY_FALLBACKS = []
    assert opened() == SECRETS
    assert Authenticator.objects.get(data__has_key="used_mask").data["used_mask"] == 5
    call_command("rotate_secrets")
    assert "Every secret opens" in capsys.readouterr().out


def test_it_goes_on_where_it_was_stopped_and_names_what_it_cannot_open(world, settings, capsys):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, []
    Webhook.objects.update(secret=seal("whsec_one"))  # as if one had been done
    with pytest.raises(CommandError, match=r"accounts.identityprovider.own_key: 1 cannot be opened"):
        call_command("rotate_secrets")
    with pytest.raises(Unreadable):
        opened()
    settings.SECRET_KEY_FALLBACKS = [OLD]
    capsys.readouterr()
    call_command("rotate_secrets")
    assert "accounts.webhook.secret: 0 resealed, 1 current" in capsys.readouterr().out
    settings.SECRET_KEY_FALLBACKS = []
    assert opened() == SECRETS


def test_sessions_outlive_a_new_key_while_the_old_one_is_a_fallback(world, settings):
    client = Client()
    client.force_login(world.owner, "allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/slices/").status_code == 200
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert client.get("/slices/").status_code == 200  # and from here on it holds under the new key
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get("/slices/").status_code == 200


def test_every_field_that_is_said_to_be_sealed_has_a_place():
    """Whoever seals something new in a model gives it a place."""
    sources = Path(__file__).resolve().parents[2]
    sealing = {
        path.relative_to(sources).as_posix()
        for app in ("accounts", "slices", "changesets", "conflicts", "gitslice")
        for path in (sources / app).rglob("*.py")
        if "tests" not in path.parts and re.search(r"\bseal\(", path.read_text())
    }
    assert sealing == {
        "accounts/api/webhooks.py",  # IdempotencyKey.body
        "accounts/idempotency.py",  # the same
        "accounts/people/invitations.py",  # on its way through the queue
        "accounts/sign_in/adapters.py",  # Authenticator.data
        "accounts/sso/services.py",  # IdentityProvider
        "accounts/webhooks/services.py",  # Webhook
        "gitslice/common/secrets.py",
        "gitslice/ops/backup/sealing.py",  # files, with the key for backups
        "gitslice/ops/backup/vaults.py",
    }
