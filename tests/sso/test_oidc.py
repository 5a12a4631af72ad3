"""Single sign-on by OpenID Connect against a real provider, from the set-up in the browser to the sign-out."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from allauth.socialaccount.models import SocialAccount

from accounts import services as accounts
from accounts.machines.services import create_service_account
from accounts.models import AuditEvent, Membership, Team, User
from accounts.people.teams import create_team
from accounts.scim import users as scim_users
from accounts.sso.models import IdentityProvider
from tests.sso.browser import Browser
from tests.sso.conftest import member, sign_in
from tests.sso.providers import Provider, free_port, running
from tests.world import World

SECRET = "a-secret-of-the-tests-0123456789abcdef"
ANN = {"email": "ann@acme.example", "email_verified": True, "preferred_username": "ann"}


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture
def provider(world: World, home: str, port: int) -> Iterator[Provider]:
    key = IdentityProvider(organization=world.organization).key
    settings = {"REDIRECT": f"{home}/sso/oidc/{key}/callback/", "LEAVE": f"{home}/login/"}
    with running("oidc.mjs", port, ".well-known/openid-configuration", **settings) as provider:
        yield provider


def at_provider(browser: Browser, name: str) -> Browser:
    """Sign in there, and agree."""
    browser.submit("login", login=name, password="any")
    return browser.submit("prompt") if "/interaction/" in browser.url else browser


def come_in(home: str, name: str, email: str = "ann@acme.example", browser: Browser | None = None) -> Browser:
    """From the sign-in page, by the e-mail address, through the provider."""
    browser = browser or Browser(home)
    browser.get("/sso/").submit("email", email=email)
    return at_provider(browser, name)


@pytest.fixture
def set_up(world: World, owner: Browser, provider: Provider) -> Browser:
    """Configured, tested and switched on by the owner in the browser, who comes back in it."""
    provider.tell({"ann": ANN, "boss": {"email": "boss@acme.example", "groups": ["staff"]}})
    owner.get("/acme/sign-in/").submit(
        "client_id", issuer=provider.url, client_id="gitslice", client_secret=SECRET
    )
    assert "Not tested" in owner.text
    at_provider(owner.get("/sso/to/acme/?process=test"), "boss")
    assert "The test passed. Subject boss, e-mail boss@acme.example, groups: staff." in owner.text
    owner.submit("/acme/sign-in/switch/", active="on")
    assert "Members may sign in through" in owner.text
    return owner


def test_a_first_sign_in_makes_a_member(set_up, world, home):
    browser = come_in(home, "ann")
    assert browser.user == "ann"
    ann = User.objects.get(username="ann")
    assert not ann.has_usable_password()
    assert accounts.role_in(ann, world.organization) == Membership.Role.MEMBER
    actions = set(AuditEvent.objects.filter(actor=ann).values_list("action", flat=True))
    assert {"user.create", "member.add", "user.sign_in"} <= actions
    again = come_in(home, "ann")
    assert again.user == "ann"
    assert User.objects.filter(email="ann@acme.example").count() == 1


def test_the_secret_is_sealed_and_never_shown(set_up, owner):
    stored = IdentityProvider.objects.get()
    assert SECRET not in stored.client_secret
    assert SECRET not in owner.get("/acme/sign-in/").answer.text


def test_groups_add_to_teams_and_remove_from_them(set_up, world, home, provider):
    set_up.get("/acme/sign-in/").submit("mapping", mapping="engineers -> platform\nanalysts -> data")
    data = Team.objects.get(slug="data")
    other = create_team(actor=world.owner, organization=world.organization, slug="other", members=[])

    def teams(*groups: str) -> set[str]:
        provider.tell({"ann": ANN | {"groups": list(groups)}})
        come_in(home, "ann")
        return set(User.objects.get(username="ann").teams.values_list("slug", flat=True))

    assert teams("engineers", "unknown") == {"platform"}
    other.members.add(User.objects.get(username="ann"))
    assert teams("analysts") == {"data", "other"}
    assert teams() == {"other"}
    assert not data.members.exists()


def test_an_unknown_domain_leads_nowhere(set_up, home):
    browser = Browser(home).get("/sso/").submit("email", email="eve@evil.example")
    assert browser.status == 404
    assert "No organization here" in browser.text


def test_the_provider_speaks_for_its_verified_domains_alone(set_up, home, provider):
    provider.tell({"eve": {"email": "eve@elsewhere.example", "email_verified": True}})
    browser = come_in(home, "eve")
    assert browser.status == 403
    assert "elsewhere.example is no verified domain of acme" in browser.text
    assert not User.objects.filter(email="eve@elsewhere.example").exists()
    assert AuditEvent.objects.filter(action="sso.refuse").exists()


@pytest.mark.parametrize("said", [{"email": "ann@acme.example", "email_verified": False}, {}])
def test_an_address_that_nobody_vouches_for_makes_no_account(set_up, home, provider, said):
    provider.tell({"eve": said})
    assert come_in(home, "eve").status == 403
    assert not User.objects.filter(email="ann@acme.example").exists()


def test_an_address_alone_takes_no_account_over(set_up, world, home):
    ann = member(world, "ann-of-old", "Ann@acme.example", role=None)
    browser = come_in(home, "ann")
    assert "Is this your account?" in browser.text
    assert browser.user == ""
    browser.submit("password", password="wrong")
    assert browser.user == ""
    assert not SocialAccount.objects.exists()
    browser.submit("password", password="correct-horse-battery")
    assert browser.user == "ann-of-old"
    assert SocialAccount.objects.get().user == ann
    assert come_in(home, "ann").user == "ann-of-old"


def test_an_account_that_the_directory_made_is_signed_in_to_at_once(set_up, world, home, provider):
    """It has no password that could be asked for."""
    made = scim_users.create(world.organization, person("ann@acme.example"), "scim")
    assert come_in(home, "ann").user == made.user.username
    assert SocialAccount.objects.get().user == made.user
    provider.tell({"impostor": ANN})
    refused = come_in(home, "impostor")
    assert (refused.status, refused.user) == (403, "")
    assert "connected to another identity" in refused.text


@pytest.mark.parametrize("power", ["is_staff", "is_superuser"])
def test_unless_it_has_got_powers_since(set_up, world, home, power):
    made = scim_users.create(world.organization, person("ann@acme.example"), "scim")
    User.objects.filter(pk=made.user.pk).update(**{power: True})
    assert come_in(home, "ann").user == ""


def test_one_of_another_organizations_directory_is_not(set_up, home):
    scim_users.create(World("other").organization, person("ann@acme.example"), "scim")
    browser = come_in(home, "ann")
    assert "Is this your account?" in browser.text
    assert browser.user == ""


def person(email: str) -> scim_users.Person:
    return scim_users.parse_person({"userName": email, "emails": [{"value": email, "primary": True}]})


def test_a_superuser_is_not_taken_over_either(set_up, world, home):
    root = member(world, "root", "ann@acme.example", role=None)
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    assert come_in(home, "ann").user == ""


def test_another_address_at_the_provider_makes_nobody_someone_else(set_up, world, home, provider):
    come_in(home, "ann")
    member(world, "boss", "boss@acme.example")
    provider.tell({"ann": ANN | {"email": "boss@acme.example"}})
    assert come_in(home, "ann").user == "ann"


def test_a_member_connects_the_signed_in_account(set_up, world, home, provider):
    member(world, "carol", "carol@private.example")
    browser = sign_in(Browser(home), "carol")
    at_provider(browser.get("/account/").submit("/sso/to/acme/"), "ann")
    if "reauthenticate" in browser.url:
        browser.submit("password", password="correct-horse-battery")
    assert SocialAccount.objects.get().user.username == "carol"
    assert come_in(home, "ann").user == "carol"


def test_an_address_that_somebody_only_typed_keeps_nobody_out(set_up, world, home):
    eve = member(world, "eve", role=None)
    EmailAddress.objects.create(user=eve, email="ann@acme.example")
    assert come_in(home, "ann").user == "ann"
    assert not EmailAddress.objects.filter(user=eve).exists()


def test_strangers_do_not_connect(set_up, world, home):
    member(world, "eve", "eve@evil.example", role=None)
    browser = sign_in(Browser(home), "eve")
    browser.get("/account/")
    form = next(form for form in browser.forms if "csrfmiddlewaretoken" in form.fields)
    token = form.fields["csrfmiddlewaretoken"]
    assert browser.post("/sso/to/acme/", process="connect", csrfmiddlewaretoken=token).status == 404


def test_the_deactivated_are_refused(set_up, world, home):
    come_in(home, "ann")
    User.objects.filter(username="ann").update(is_active=False)
    browser = come_in(home, "ann")
    assert browser.status == 403
    assert "deactivated" in browser.text
    assert browser.user == ""


def enforce(owner: Browser) -> None:
    owner.get("/acme/sign-in/").submit("/acme/sign-in/switch/", active="on", enforced="on")
    assert "Members must sign in" in owner.text


def api(home: str, token: str) -> requests.Response:
    return requests.get(f"{home}/api/v1/me/", headers={"Authorization": f"Bearer {token}"}, timeout=30)


def test_enforced_members_come_in_through_the_provider_or_not_at_all(set_up, world, home):
    dora = member(world, "dora", "dora@acme.example")
    token, owners = world.token(dora), world.token(world.owner)
    before = sign_in(Browser(home), "dora")
    assert before.user == "dora"
    enforce(set_up)
    assert before.user == ""
    assert "Use single sign-on" in sign_in(Browser(home), "dora").text
    assert sign_in(Browser(home), world.owner.username).user == world.owner.username
    refused = api(home, token)
    assert (refused.status_code, refused.json()["code"]) == (401, "sso_required")
    assert "acme" in refused.json()["detail"]
    assert api(home, owners).status_code == 200


def test_who_joins_later_signs_in_through_it_too(set_up, world, home):
    enforce(set_up)
    eve = member(world, "eve", "eve@private.example", role=None)
    browser = sign_in(Browser(home), "eve")
    assert browser.user == "eve"
    accounts.add_member(actor=world.owner, organization=world.organization, user=eve)
    assert browser.user == ""


def test_machines_are_exempt(set_up, world, home):
    enforce(set_up)
    machine = create_service_account(actor=world.owner, organization=world.organization, name="ci")
    assert api(home, world.token(machine, actor=world.owner)).status_code == 200


def test_tokens_work_again_after_the_first_single_sign_on(set_up, world, home, provider):
    dora = member(world, "dora", "dora@acme.example")
    token = world.token(dora)
    enforce(set_up)
    assert api(home, token).status_code == 401
    provider.tell({"dora": {"email": "dora@acme.example"}})
    come_in(home, "dora", "dora@acme.example").submit("password", password="correct-horse-battery")
    assert api(home, token).status_code == 200
    assert sign_in(Browser(home), "dora").user == ""


def test_a_second_factor_is_asked_for_after_single_sign_on_too(set_up, home):
    come_in(home, "ann")
    secret = generate_totp_secret()
    TOTP.activate(User.objects.get(username="ann"), secret)
    browser = come_in(home, "ann")
    assert browser.user == ""
    browser.submit("code", code=format_hotp_value(hotp_value(secret, int(time.time()) // 30)))
    assert browser.user == "ann"
    browser.submit("/logout/")
    assert "/session/end" in browser.url


def test_another_organizations_provider_does_not_do(set_up, world, home, provider):
    """A member of both signs in through the one that enforces."""
    enforce(set_up)
    other = World("other")
    IdentityProvider.objects.create(
        organization=other.organization, protocol="oidc", issuer=provider.url, active=True
    )
    come_in(home, "ann")
    ann = User.objects.get(username="ann")
    accounts.add_member(actor=other.owner, organization=other.organization, user=ann)
    IdentityProvider.objects.filter(organization=other.organization).update(enforced=True)
    browser = come_in(home, "ann")
    assert "other wants its members" in browser.text
    assert browser.user == ""


def test_it_cannot_be_required_before_a_test_has_passed(world, owner, provider):
    owner.get("/acme/sign-in/").submit(
        "client_id", issuer=provider.url, client_id="gitslice", client_secret=SECRET
    )
    owner.submit("/acme/sign-in/switch/", active="on", enforced="on")
    assert "Test it first" in owner.text
    assert not IdentityProvider.objects.get().active


def test_members_do_not_see_the_settings(set_up, world, home):
    member(world, "dora")
    browser = sign_in(Browser(home), "dora")
    assert browser.get("/acme/sign-in/").status == 403
    assert browser.get("/sso/to/acme/?process=test").status == 403
    member(world, "eve", role=None)
    assert sign_in(Browser(home), "eve").get("/acme/sign-in/").status == 404


def test_an_answer_to_another_browsers_request_is_refused(set_up, home):
    victim, attacker = Browser(home), Browser(home)
    come_in(home, "ann", browser=attacker)
    answer = next(url for url in attacker.visited if "/callback/" in url)
    victim.get(answer)
    assert victim.user == ""
    assert victim.status in (401, 403)


def test_an_answer_is_taken_once(set_up, home):
    browser = come_in(home, "ann")
    answer = next(url for url in browser.visited if "/callback/" in url)
    browser.submit("/logout/") if "/logout/" in str(browser.forms) else None
    browser.session.cookies.pop("sessionid", None)
    browser.get(answer)
    assert browser.user == ""


def test_signing_out_ends_the_session_at_the_provider_too(set_up, home):
    browser = come_in(home, "ann")
    browser.submit("/logout/")
    assert browser.user == ""
    assert "/session/end" in browser.url
    browser.submit(
        "logout" if any("logout" in form.fields for form in browser.forms) else "xsrf", logout="yes"
    )
    assert browser.url == f"{home}/login/"
    browser.get("/sso/to/acme/")
    assert "/interaction/" in browser.url  # the provider asks who one is
    assert AuditEvent.objects.filter(action="user.sign_out", actor__username="ann").exists()


def test_another_issuer_forgets_who_was_linked_to_the_one_before(set_up, home, provider, port):
    come_in(home, "ann")
    assert SocialAccount.objects.count() == 1
    second = free_port()
    with running(
        "oidc.mjs", second, ".well-known/openid-configuration", REDIRECT="http://x/", LEAVE="http://x/"
    ):
        set_up.get("/acme/sign-in/").submit(
            "client_id", issuer=f"http://127.0.0.1:{second}", client_id="gitslice", client_secret=SECRET
        )
    stored = IdentityProvider.objects.get()
    assert (stored.active, stored.tested_at) == (False, None)
    assert not SocialAccount.objects.exists()


def test_an_issuer_that_is_none_is_refused_with_a_reason(world, owner, home):
    owner.get("/acme/sign-in/").submit("client_id", issuer=home, client_id="x", client_secret="y")
    assert "does not answer as an OpenID Connect provider" in owner.text
    owner.submit("client_id", issuer="http://10.0.0.1", client_id="x", client_secret="y")
    assert "does not answer as an OpenID Connect provider" in owner.text
    assert not IdentityProvider.objects.exists()
