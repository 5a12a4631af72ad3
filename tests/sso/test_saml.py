"""Single sign-on by SAML 2.0 against a real identity provider, and against what is made of its answers on the way."""

from __future__ import annotations

import base64
import re
import subprocess
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from accounts.models import AuditEvent, Team, User
from accounts.sso.models import IdentityProvider
from tests.sso.browser import Browser
from tests.sso.conftest import member, sign_in
from tests.sso.providers import Provider, free_port, running
from tests.world import World

ANN = {"email": "ann@acme.example"}


def new_pair(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate and its key, as files."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -out {certificate} -keyout {key}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return certificate, key


class Idp(Provider):
    sp: dict[str, str]

    def say(self, people: dict[str, Any], **misbehaviour: Any) -> None:
        self.tell({"people": people, "sp": self.sp, **misbehaviour})


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp("pairs")
    return {name: new_pair(folder, name) for name in ("idp", "stranger")}


@pytest.fixture(scope="module")
def idp(_product: Any, pairs: dict[str, tuple[Path, Path]]) -> Iterator[Idp]:
    certificate, key = pairs["idp"]
    with running("saml.cjs", free_port(), "ready", CERTIFICATE=str(certificate), KEY=str(key)) as provider:
        provider.__class__ = Idp
        yield provider  # type: ignore[misc]


@pytest.fixture
def set_up(world: World, owner: Browser, idp: Idp, home: str) -> Browser:
    """Configured by the provider's metadata, tested and switched on by the owner in the browser."""
    base = f"{home}/sso/saml/{IdentityProvider(organization=world.organization).key}"
    idp.sp = {"acs": f"{base}/acs/", "sls": f"{base}/sls/", "entity": f"{base}/metadata/"}
    owner.get("/acme/sign-in/?protocol=saml").submit("metadata_url", metadata_url=f"{idp.url}/metadata")
    idp.sp["certificate"] = IdentityProvider.objects.get().own_certificate
    idp.say({"ann": ANN, "boss": {"email": "boss@acme.example", "groups": ["staff"]}})
    at_provider(owner.get("/sso/to/acme/?process=test"), "boss")
    assert "The test passed. Subject boss, e-mail boss@acme.example, groups: staff." in owner.text
    owner.submit("/acme/sign-in/switch/", active="on")
    return owner


def at_provider(browser: Browser, name: str) -> Browser:
    """Sign in there, and bring the answer back."""
    return browser.submit("login", login=name).submit("SAMLResponse")


def come_in(home: str, name: str, browser: Browser | None = None) -> Browser:
    return at_provider(asking(home, browser), name)


def asking(home: str, browser: Browser | None = None) -> Browser:
    """A browser that stands at the provider."""
    return (browser or Browser(home)).get("/sso/").submit("email", email="someone@acme.example")


def answer(browser: Browser, name: str) -> tuple[str, str]:
    """What the provider gives the browser to bring back, and where to."""
    form = browser.submit("login", login=name).forms[0]
    return form.action, base64.b64decode(form.fields["SAMLResponse"]).decode()


def bring(browser: Browser, action: str, xml: str) -> Browser:
    """The answer as it would come from the provider's page."""
    browser.forms = [type(browser.forms[0])(action, "post")] if browser.forms else browser.forms
    encoded = base64.b64encode(xml.encode()).decode()
    return browser.submit("/acs/", SAMLResponse=encoded, RelayState="")


def assert_refused(browser: Browser, why: str) -> None:
    assert browser.user == ""
    assert browser.status in (401, 403)
    assert why in browser.text
    assert not User.objects.filter(email="ann@acme.example").exists()
    assert AuditEvent.objects.filter(action="sso.refuse").exists()


def test_a_first_sign_in_makes_a_member(set_up, world, home):
    assert come_in(home, "ann").user == "ann"
    assert world.organization.memberships.filter(user__username="ann", role="member").exists()
    assert come_in(home, "ann").user == "ann"
    assert User.objects.filter(email="ann@acme.example").count() == 1


def test_our_metadata_is_signed_and_names_our_addresses(set_up, idp):
    text = requests.get(idp.sp["entity"], timeout=30).text
    assert idp.sp["acs"] in text
    assert idp.sp["sls"] in text
    assert "SignatureValue" in text
    assert "PRIVATE KEY" not in text
    assert "PRIVATE KEY" not in IdentityProvider.objects.get().own_key


def test_groups_add_to_teams_and_remove_from_them(set_up, home, idp):
    set_up.get("/acme/sign-in/").submit("mapping", mapping="engineers -> platform\nanalysts -> data")

    def teams(groups: list[str]) -> set[str]:
        idp.say({"ann": ANN | {"groups": groups}})
        come_in(home, "ann")
        return set(User.objects.get(username="ann").teams.values_list("slug", flat=True))

    assert teams(["engineers", "analysts"]) == {"platform", "data"}
    assert teams(["analysts"]) == {"data"}
    assert teams([]) == set()
    assert Team.objects.count() == 2


def test_a_strangers_signature_is_refused(set_up, home, idp, pairs):
    idp.say({"ann": ANN}, key=pairs["stranger"][1].read_text())
    assert_refused(come_in(home, "ann"), "Signature validation failed")


def test_an_unsigned_assertion_is_refused(set_up, home, idp):
    idp.say({"ann": ANN}, unsigned=True)
    assert_refused(come_in(home, "ann"), "not signed")


def test_a_changed_assertion_is_refused(set_up, home, idp):
    idp.say({"eve": {"email": "eve@acme.example"}})
    browser = asking(home)
    action, xml = answer(browser, "eve")
    assert_refused(bring(browser, action, xml.replace("eve@acme", "ann@acme")), "Signature validation failed")


def test_a_wrapped_assertion_is_refused(set_up, home, idp):
    """A forged assertion before the signed one (XML signature wrapping)."""
    idp.say({"eve": {"email": "eve@acme.example"}})
    browser = asking(home)
    action, xml = answer(browser, "eve")
    signed = re.search(r"<saml:Assertion.*</saml:Assertion>", xml, re.S)[0]
    unsigned = re.sub(r"<Signature.*?</Signature>", "", signed, flags=re.S)
    forged = unsigned.replace("eve@acme", "ann@acme").replace(' ID="', ' ID="x')
    assert_refused(bring(browser, action, xml.replace(signed, forged + signed)), "not accepted")


def test_an_assertion_for_somebody_else_is_refused(set_up, home, idp):
    idp.say({"ann": ANN}, audience="https://other.example/metadata")
    assert_refused(come_in(home, "ann"), "not a valid audience")


def test_an_assertion_that_nobody_asked_for_is_refused(set_up, home, idp):
    idp.say({"ann": ANN}, unasked=True)
    assert_refused(come_in(home, "ann"), "answers no request")


def test_an_unasked_assertion_does_not_pass_as_an_answer(set_up, home, idp):
    """The envelope is not signed: whoever has an assertion that names no request writes one on it."""
    idp.say({"ann": ANN}, unasked=True)
    victim = asking(home)
    action, xml = answer(victim, "ann")
    attacker = asking(home)
    query = attacker.url.partition("SAMLRequest=")[2]
    assert query
    request_id = attacker_request_id(attacker)
    stolen = xml.replace("<samlp:Response ", f'<samlp:Response InResponseTo="{request_id}" ', 1)
    assert_refused(bring(attacker, action, stolen), "answers no request")


def attacker_request_id(browser: Browser) -> str:
    deflated = base64.b64decode(next(form.fields["SAMLRequest"] for form in browser.forms))
    return re.search(r'ID="([^"]*)"', zlib.decompress(deflated, -15).decode())[1]


def test_an_answer_to_another_browsers_request_is_refused(set_up, home, idp):
    idp.say({"ann": ANN})
    victim = asking(home)
    action, xml = answer(victim, "ann")
    attacker = asking(home)
    bring(attacker, action, xml)
    assert attacker.user == ""
    assert attacker.status == 403


def test_an_answer_is_taken_once(set_up, home, idp):
    idp.say({"ann": ANN})
    browser = asking(home)
    action, xml = answer(browser, "ann")
    bring(browser, action, xml)
    assert browser.user == "ann"
    again = asking(home)
    bring(again, action, xml)
    assert again.user == ""
    assert "used before" in again.text


def test_the_provider_speaks_for_its_verified_domains_alone(set_up, home, idp):
    idp.say({"eve": {"email": "eve@elsewhere.example"}})
    browser = come_in(home, "eve")
    assert (browser.status, browser.user) == (403, "")
    assert "no verified domain" in browser.text


def test_an_address_alone_takes_no_account_over(set_up, world, home, idp):
    member(world, "ann-of-old", "ann@acme.example")
    browser = come_in(home, "ann")
    assert "Is this your account?" in browser.text
    assert browser.user == ""
    browser.submit("password", password="correct-horse-battery")
    assert browser.user == "ann-of-old"
    assert come_in(home, "ann").user == "ann-of-old"


def test_a_name_that_changes_each_time_is_no_identity(set_up, home, idp):
    idp.say({"ann": ANN | {"format": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"}})
    assert_refused(come_in(home, "ann"), "another name each time")


def test_the_deactivated_are_refused(set_up, home):
    come_in(home, "ann")
    User.objects.filter(username="ann").update(is_active=False)
    browser = come_in(home, "ann")
    assert (browser.status, browser.user) == (403, "")


def test_enforced_members_come_in_through_the_provider_or_not_at_all(set_up, world, home):
    dora = member(world, "dora", "dora@acme.example")
    token = world.token(dora)
    set_up.get("/acme/sign-in/").submit("/acme/sign-in/switch/", active="on", enforced="on")
    assert "Use single sign-on" in sign_in(Browser(home), "dora").text
    me = requests.get(f"{home}/api/v1/me/", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert (me.status_code, me.json()["code"]) == (401, "sso_required")
    assert come_in(home, "ann").user == "ann"


def test_signing_out_ends_the_session_at_the_provider_too(set_up, home, idp):
    browser = come_in(home, "ann")
    browser.submit("/logout/")
    assert browser.user == ""
    assert any(f"{idp.url}/logout?SAMLRequest=" in url and "Signature=" in url for url in browser.visited)
    assert any("/sls/?SAMLResponse=" in url for url in browser.visited)
    assert browser.url == f"{home}/login/"


def test_nobody_else_signs_one_out(set_up, home, idp):
    browser = come_in(home, "ann")
    browser.get(f"{idp.sp['sls']}?SAMLRequest=fZA9")
    assert browser.status == 403
    assert browser.user == "ann"


def asked_to_sign_out(idp: Idp, name: str, key: Path | None, session: str = "session-ann") -> str:
    """Where the provider sends a browser that is to end its session; without a key it does not sign."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    xml = (
        f'<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_{uuid4().hex}"'
        ' Version="2.0"'
        f' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" IssueInstant="{now}" Destination="{idp.sp["sls"]}">'
        f"<saml:Issuer>{idp.url}/metadata</saml:Issuer><saml:NameID>{name}</saml:NameID>"
        f"<samlp:SessionIndex>{session}</samlp:SessionIndex></samlp:LogoutRequest>"
    )
    query = {"SAMLRequest": base64.b64encode(zlib.compress(xml.encode(), wbits=-15)), "RelayState": "theirs"}
    if key is None:
        return f"{idp.sp['sls']}?{urlencode(query)}"
    signed = urlencode(query | {"SigAlg": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"})
    private: Any = load_pem_private_key(key.read_bytes(), None)
    signature = private.sign(signed.encode(), PKCS1v15(), SHA256())
    return f"{idp.sp['sls']}?{signed}&{urlencode({'Signature': base64.b64encode(signature)})}"


def test_the_provider_signs_one_out(set_up, home, idp, pairs):
    browser, other = come_in(home, "ann"), come_in(home, "ann")
    browser.get(asked_to_sign_out(idp, "ann", pairs["idp"][1]))
    assert (browser.user, other.user) == ("", "ann")
    answers = [url for url in browser.visited if url.startswith(f"{idp.url}/logout?SAMLResponse=")]
    assert len(answers) == 1
    assert "Signature=" in answers[0]


def test_only_the_provider_signs_one_out(set_up, home, idp, pairs):
    browser = come_in(home, "ann")
    signed = asked_to_sign_out(idp, "ann", pairs["idp"][1])
    for asked in (
        asked_to_sign_out(idp, "ann", None),
        asked_to_sign_out(idp, "ann", pairs["stranger"][1]),
        signed.replace("theirs", "others"),
    ):
        browser.get(asked)
        assert (browser.status, browser.user) == (403, "ann")
    assert AuditEvent.objects.filter(action="sso.refuse", actor__username="ann").count() == 3


def test_the_provider_signs_nobody_else_out(set_up, world, home, idp, pairs):
    """Neither somebody whom it calls otherwise, nor who came in by another way."""
    member(world, "dora")
    for browser in (come_in(home, "ann"), sign_in(Browser(home), "dora")):
        user = browser.user
        browser.get(asked_to_sign_out(idp, "boss", pairs["idp"][1]))
        assert (browser.status, browser.user) == (403, user)
        assert "not about this session" in browser.text


def test_who_is_signed_out_already_is_led_back_to_the_provider(set_up, home, idp, pairs):
    browser = Browser(home).get(asked_to_sign_out(idp, "ann", pairs["idp"][1]))
    assert any(url.startswith(f"{idp.url}/logout?SAMLResponse=") for url in browser.visited)


def test_the_sign_out_address_leads_nowhere_else(world, set_up, home, idp):
    asked = requests.get(
        f"{idp.sp['sls']}?SAMLResponse=x&RelayState=https://evil.example/", allow_redirects=False, timeout=30
    )
    assert asked.headers["Location"] == "/login/"


def test_metadata_that_is_none_is_refused_with_a_reason(world, owner, home):
    owner.get("/acme/sign-in/?protocol=saml").submit("metadata_url", metadata_url=f"{home}/login/")
    assert "does not answer with SAML metadata" in owner.text
    owner.submit(
        "metadata_url", metadata_url="", issuer="x", sso_url="https://idp.example/sso", certificate="nonsense"
    )
    assert "no certificate" in owner.text
    assert not IdentityProvider.objects.exists()


@pytest.mark.parametrize("path", ["acs/", "acs/finish/", "sls/", "metadata/", "nonsense/"])
def test_what_is_not_set_up_is_not_there(world, home, path):
    for key in ("o0", "o999999999", "acme", "x" * 300):
        assert requests.get(f"{home}/sso/saml/{key}/{path}", timeout=30).status_code == 404
    assert not SocialAccount.objects.exists()


@pytest.mark.parametrize(
    "posted", [{}, {"SAMLResponse": ""}, {"SAMLResponse": "%%%"}, {"SAMLResponse": "PGE+"}]
)
def test_nonsense_is_refused(set_up, home, idp, posted):
    browser = asking(home)
    browser.forms[0].action, browser.forms[0].fields = idp.sp["acs"], {}
    browser.submit("/acs/", **posted)
    assert (browser.status, browser.user) == (403, "")


def test_a_huge_answer_is_not_read(set_up, idp):
    answered = requests.post(idp.sp["acs"], data={"SAMLResponse": "x" * 600_000}, timeout=30)
    assert answered.status_code == 413
