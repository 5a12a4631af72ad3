"""Domains, set-up and enforcement of single sign-on, below the protocols (tests/sso goes through these)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from typing import Any

import dns.message
import dns.rdata
import dns.rrset
import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session as KeptSession
from django.test import Client
from django.utils import timezone

from accounts import services as accounts
from accounts.models import AuditEvent, Membership, User
from accounts.people.members import remove_member
from accounts.people.teams import create_team
from accounts.scim import users
from accounts.sso import leaving, services
from accounts.sso.admission import account_of_directory
from accounts.sso.enforcement import refused_by
from accounts.sso.errors import ProviderUnusable
from accounts.sso.fetching import Session
from accounts.sso.models import Domain, IdentityProvider
from accounts.sso.saml import new_signing_key
from accounts.sso.views import answers
from gitslice.common.errors import InvalidRequest, NameTaken, PermissionDenied
from gitslice.common.secrets import seal
from tests.api import Api, code_of
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


class NameServer:
    """A DNS server on UDP that knows TXT records."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                data, asker = self.socket.recvfrom(4096)
            except OSError:
                return
            question = dns.message.from_wire(data)
            answer = dns.message.make_response(question)
            name = question.question[0].name
            text = self.texts.get(name.to_text().rstrip("."))
            if text:
                answer.answer.append(dns.rrset.from_text(name, 1, "IN", "TXT", '"other"'))
                answer.answer[0].add(dns.rdata.from_text("IN", "TXT", f'"{text}"'))
            self.socket.sendto(answer.to_wire(), asker)


@pytest.fixture
def names(settings) -> Iterator[NameServer]:
    server = NameServer()
    settings.GITSLICE_DNS_SERVERS = [server.socket.getsockname()]
    yield server
    server.socket.close()


def test_a_domain_is_verified_by_its_dns(world, names):
    given = {"actor": world.owner, "organization": world.organization}
    domain = services.add_domain(**given, name="Acme.Example.")
    with pytest.raises(InvalidRequest, match="does not show"):
        services.verify_domain(**given, name="acme.example")
    names.texts["_gitslice.acme.example"] = "gitslice-domain=somebody-else"
    with pytest.raises(InvalidRequest, match="does not show"):
        services.verify_domain(**given, name="acme.example")
    names.texts["_gitslice.acme.example"] = f"gitslice-domain={domain.proof}"
    assert services.verify_domain(**given, name="acme.example").verified_at
    assert AuditEvent.objects.get(action="domain.verify").detail == {"by": "dns"}


def test_a_domain_is_one_organizations(world, names):
    other = World("other")
    for place in (world, other):
        domain = services.add_domain(actor=place.owner, organization=place.organization, name="acme.example")
        names.texts["_gitslice.acme.example"] = f"gitslice-domain={domain.proof}"
        verify = {"actor": place.owner, "organization": place.organization, "name": "acme.example"}
        if place is world:
            services.verify_domain(**verify)
        else:
            with pytest.raises(NameTaken):
                services.verify_domain(**verify)
    assert Domain.objects.filter(verified_at__isnull=False).count() == 1


def test_only_administrators_of_the_server_approve_without_the_dns(world):
    given = {"organization": world.organization, "name": "acme.example"}
    services.add_domain(actor=world.owner, **given)
    with pytest.raises(PermissionDenied):
        services.approve_domain(actor=world.owner, **given)
    root = accounts.create_user(username="root")
    root.is_superuser = True
    root.save()
    assert services.approve_domain(actor=root, **given).verified_at


@pytest.mark.parametrize(
    "name", ["", "acme", "acme..example", "-a.example", "a b.example", "a.example/x", "é.example"]
)
def test_what_is_no_domain_is_refused(world, name):
    with pytest.raises(InvalidRequest):
        services.add_domain(actor=world.owner, organization=world.organization, name=name)


def test_members_change_nothing(world):
    member = world.user("member")
    with pytest.raises(PermissionDenied):
        services.add_domain(actor=member, organization=world.organization, name="acme.example")
    assert Pages(member).status("/acme/sign-in/") == 403
    assert Pages(world.user("stranger", role=None)).status("/acme/sign-in/") == 404


def enforcing(world: World) -> IdentityProvider:
    return IdentityProvider.objects.create(
        organization=world.organization,
        protocol="oidc",
        issuer="https://idp.example",
        active=True,
        enforced=True,
    )


def link(user: User, provider: IdentityProvider) -> None:
    SocialAccount.objects.create(user=user, provider=provider.key, uid=user.username)


def test_tokens_of_who_never_came_through_the_provider_stop_working(world):
    ann, admin = world.user("ann"), world.user("admin", Membership.Role.ADMIN)
    tokens = {user: world.token(user) for user in (ann, admin, world.owner)}
    provider = enforcing(world)
    assert code_of(Api(tokens[ann]).get("me/")) == (401, "sso_required")
    assert code_of(Api(tokens[admin]).get("me/")) == (401, "sso_required")
    assert Api(tokens[ann]).get("me/")["WWW-Authenticate"] == "Bearer"
    assert Api(tokens[world.owner]).get("me/").status_code == 200
    link(ann, provider)
    assert Api(tokens[ann]).get("me/").status_code == 200
    provider.active = False
    provider.save()
    assert Api(tokens[admin]).get("me/").status_code == 200


def test_other_organizations_tokens_go_on(world):
    enforcing(world)
    other = World("other")
    assert Api(other.token(other.user("bob"))).get("me/").status_code == 200


def test_superusers_are_a_way_back_in(world):
    root = world.user("root")
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    root.refresh_from_db()
    enforcing(world)
    assert refused_by(root, None) is None
    assert Api(world.token(root)).get("me/").status_code == 200


def test_who_may_sign_in_how(world):
    ann = world.user("ann")
    assert refused_by(ann, None) is None
    provider = enforcing(world)
    assert refused_by(ann, None) == world.organization
    assert refused_by(ann, "o999") == world.organization
    assert refused_by(ann, provider.key) is None
    assert refused_by(world.owner, None) is None


def test_the_settings_page_shows_no_secret(world):
    provider = enforcing(world)
    provider.client_secret = "sealed-secret"
    provider.save()
    html = Pages(world.owner).get("/acme/sign-in/")
    assert "sealed-secret" not in html
    assert f"/sso/oidc/{provider.key}/callback/" in html


@pytest.mark.parametrize("line", ["engineers", "-> platform", "engineers ->", "engineers -> nowhere"])
def test_a_mapping_that_cannot_be_read_says_which_line(world, line):
    enforcing(world)
    create_team(actor=world.owner, organization=world.organization, slug="platform", members=[])
    page = Pages(world.owner).post("/acme/sign-in/groups/", mapping=line)
    assert "notice error" in page
    assert line.rpartition("-> ")[2] in text_of(page).replace("&gt;", ">")


def test_removing_the_provider_forgets_the_links(world):
    ann = world.user("ann")
    link(ann, enforcing(world))
    Pages(world.owner).post("/acme/sign-in/remove/")
    assert not IdentityProvider.objects.exists()
    assert not SocialAccount.objects.exists()
    assert Api(world.token(ann)).get("me/").status_code == 200


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "https://127.0.0.1:9/", "https://[::1]:9/", "http://1.1.1.1/"]
)
def test_our_own_network_is_not_asked_and_nobody_without_tls(url):
    with pytest.raises(requests.ConnectionError, match="no address that may be asked"):
        Session().get(url)


def test_networks_that_are_named_may_be_asked(settings):
    settings.GITSLICE_SSO_NETWORKS = [ip_network("127.0.0.0/8")]
    with pytest.raises(requests.ConnectionError, match="refused"):
        Session().get("http://127.0.0.1:9/")


def test_the_token_check_asks_nothing_more(world, django_assert_num_queries):
    api = Api(world.token(world.user("ann")))
    api.get("me/")
    enforcing(World("other"))
    with django_assert_num_queries(2):
        api.get("me/")


def saml_provider(world: World, **fields: Any) -> IdentityProvider:
    """One that nobody needs to ask on the way to it."""
    private, certificate = new_signing_key("test")
    return IdentityProvider.objects.create(
        organization=world.organization, protocol="saml", issuer="https://idp.example/", sso_url="https://idp.example/sso",
        certificate=certificate, own_key=seal(private), own_certificate=certificate,
        **{"active": True, "tested_at": timezone.now()} | fields,
    )  # fmt: skip


def vouched(world: World, name: str = "acme.example") -> None:
    Domain.objects.create(organization=world.organization, name=name, verified_at=timezone.now())


def with_address(user: User, email: str) -> User:
    user.email = email
    user.save()
    return user


def test_no_address_that_somebody_follows_connects_their_account(world):
    """Else the organization's provider, which answers at once, could be let into an account by a link to here."""
    saml_provider(world)
    ann = world.user("ann")
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ann)
    assert browser.get("/sso/to/acme/?process=connect").status_code == 405
    assert browser.post("/sso/to/acme/?process=connect").status_code == 403
    assert browser.post("/sso/to/acme/", {"process": "connect"}).status_code == 403
    browser.handler.enforce_csrf_checks = False  # as with the token of our form
    page = browser.post("/sso/to/acme/", {"process": "connect"}, headers={"Host": "localhost"})
    assert "https://idp.example/sso?SAMLRequest=" in page.content.decode()
    assert 'name="process" value="connect"' in Pages(ann).get("/account/")


def test_an_organization_locks_nobody_out_whom_its_provider_cannot_vouch_for(world):
    """Their account is not the organization's alone, and who has no password left could not connect it either."""
    ann, boss = with_address(world.user("ann"), "ann@acme.example"), world.user("boss")
    other = World("other")
    given = {"actor": other.owner, "organization": other.organization}
    accounts.add_member(**given, user=ann)
    provider = saml_provider(other)
    with pytest.raises(ProviderUnusable, match="ann"):
        services.switch(**given, active=True, enforced=True)
    assert refused_by(ann, None) is None
    accounts.add_member(**given, user=ann, role=Membership.Role.OWNER)
    services.switch(**given, active=True, enforced=True)
    for user in (ann, boss):
        with pytest.raises(InvalidRequest, match="single sign-on"):
            accounts.add_member(**given, user=user)
        assert refused_by(user, None) is None
    link(boss, provider)
    accounts.add_member(**given, user=boss)
    carl = with_address(world.user("carl"), "carl@other.example")
    vouched(other, "other.example")
    assert accounts.add_member(**given, user=carl)


def test_a_directory_locks_nobody_out_either(world):
    ann = world.user("ann")
    other = World("other")
    given = {"actor": other.owner, "organization": other.organization}
    accounts.add_member(**given, user=ann)
    [record] = [each for each in users.find_users(other.organization) if each.user == ann]
    users.replace(other.organization, str(record.pk), lambda document: document | {"active": False}, "scim")
    saml_provider(other, enforced=True)
    with pytest.raises(InvalidRequest, match="single sign-on"):
        users.replace(
            other.organization, str(record.pk), lambda document: document | {"active": True}, "scim"
        )
    assert refused_by(ann, None) is None


def made_by_directory(world: World, email: str) -> User:
    person = users.parse_person({"userName": email, "emails": [{"value": email}]})
    return users.create(world.organization, person, "scim").user


def test_an_account_that_got_on_in_the_world_is_left_to_its_password(world):
    """Whoever sets up the provider would come in as them elsewhere, or as an owner."""
    vouched(world)
    provider = saml_provider(world)
    ann, boss = made_by_directory(world, "ann@acme.example"), made_by_directory(world, "boss@acme.example")
    assert account_of_directory(provider, "ann@acme.example") == ann
    assert account_of_directory(provider, "boss@acme.example") == boss
    other = World("other")
    accounts.add_member(actor=other.owner, organization=other.organization, user=ann)
    accounts.add_member(
        actor=world.owner, organization=world.organization, user=boss, role=Membership.Role.OWNER
    )
    assert account_of_directory(provider, "ann@acme.example") is None
    assert account_of_directory(provider, "boss@acme.example") is None


def test_who_leaves_takes_the_account_along(world):
    """The organization's provider signs in the whole account; one that is nowhere else has nothing but that."""
    provider, other = saml_provider(world), World("other")
    for name in ("ann", "bea"):
        link(world.user(name), provider)
    ann, bea = (User.objects.get(username=name) for name in ("ann", "bea"))
    accounts.add_member(actor=other.owner, organization=other.organization, user=ann)
    for user in (ann, bea):
        remove_member(actor=user, membership=user.memberships.get(organization=world.organization))
    assert SocialAccount.objects.get().user == bea
    assert AuditEvent.objects.get(action="sso.unlink").object == "ann"
    accounts.add_member(actor=other.owner, organization=other.organization, user=bea)
    assert not SocialAccount.objects.exists()


def test_another_certificate_makes_nobody_an_owner(world):
    """Who signs with it can name anybody who is linked, so it vouches for nobody above who set it up."""
    provider = saml_provider(world)
    admin, ann, root = world.user("admin", Membership.Role.ADMIN), world.user("ann"), world.user("root")
    User.objects.filter(pk=root.pk).update(is_superuser=True)
    everybody = {world.owner, admin, ann, root}
    for user in everybody:
        link(user, provider)

    def configured(actor: User) -> set[User]:
        wanted = services.ProviderSettings(
            protocol="saml",
            issuer=provider.issuer,
            sso_url=provider.sso_url,
            certificate=new_signing_key("x")[1],
        )
        services.configure(actor=actor, organization=world.organization, settings=wanted)
        return {link.user for link in SocialAccount.objects.select_related("user")}

    assert configured(world.owner) == {world.owner, admin, ann}
    assert configured(admin) == {admin, ann}


def test_a_provider_does_not_talk_without_end(settings):
    settings.GITSLICE_SSO_NETWORKS = [ip_network("127.0.0.0/8")]

    class Endless(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(200):
                    self.wfile.write(b" " * (1 << 20))

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(requests.RequestException, match="larger"):
            Session().get(f"http://127.0.0.1:{server.server_port}/")
    finally:
        server.shutdown()


def test_the_way_out_leads_to_an_address(monkeypatch):
    """Not to a script."""
    monkeypatch.setattr(leaving, "discover", lambda issuer: {"end_session_endpoint": "javascript:alert(1)"})
    assert leaving._oidc_url(IdentityProvider(client_id="x"), {}, "https://home/") is None


def test_answers_that_wait_for_their_browser_are_so_many_and_forgotten_soon(world, monkeypatch):
    """Anybody may post them."""
    monkeypatch.setattr(answers, "MOST_ANSWERS", 3)
    path = f"/sso/saml/{saml_provider(world).key}/acs/"
    statuses = [Client().post(path, {"SAMLResponse": "x"}).status_code for _ in range(4)]
    assert statuses == [302, 302, 302, 429]
    soon = timezone.now() + timedelta(hours=1)
    assert not KeptSession.objects.filter(expire_date__gt=soon).exists()
