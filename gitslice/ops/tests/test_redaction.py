"""A redacted content is in no object, index, text or answer any more, and does not come back; everything else goes on."""

from __future__ import annotations

import hashlib
import io
import tarfile
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from conflicts.detection import detect
from conflicts.models import Conflict
from gitslice.objects.collecting import collect
from gitslice.objects.models import Pack, Redaction
from gitslice.objects.reading import PLACEHOLDER
from gitslice.objects.services import put_blobs, store_pack
from gitslice.objects.store import object_name, object_store
from gitslice_core.packs import PackReader, PackWriter, train
from slices.models import Commit, SearchText
from slices.search.index import follow
from tests.api import Api, code_of, contents_of, pack_of
from tests.world import World

pytestmark = pytest.mark.django_db
KEY = f"key-{hashlib.sha256(b'leaked').hexdigest()}"
SECRET = b"password = '%s'\n" % KEY.encode() * 20
DIGEST = hashlib.sha256(SECRET).digest()
SOURCES = [b"def function_%d(argument):\n    return argument + %d\n" % (n, n) * 40 for n in range(300)]


@pytest.fixture
def world() -> World:
    """The secret came in a pack with a dictionary that knows it, was landed, changed, and is in a conflict."""
    world = World()
    file = io.BytesIO()
    writer = PackWriter(file, train([*SOURCES, *[SECRET] * 50]))
    for content in [*SOURCES, SECRET]:
        writer.add(content)
    writer.finish()
    file.seek(0)
    store_pack(user=world.owner, organization=world.organization, stream=file)
    world.land(world.root, {"conf": b"nothing\n", "source": SOURCES[0]})
    world.land(world.root, {"conf": SECRET, "source": SOURCES[1]})
    return world


@pytest.fixture
def commit(world) -> str:
    return Commit.objects.latest("seq").hex


def redact(*options: str) -> str:
    out = StringIO()
    call_command("redact", "--org", "acme", *options, "--reason", "leaked", stdout=out, stderr=StringIO())
    return out.getvalue()


def stored() -> list[bytes]:
    """All contents in all objects of the organization."""
    store = object_store()
    found = []
    for name, size in store.sizes(""):
        if not name.startswith(f"{Redaction.objects.get().organization_id}/"):
            continue
        reader = PackReader(io.BytesIO(b"".join(store.read_ranges(name, [(0, size)]))))
        for blob in reader:
            found.append(reader.content(blob))
    return found


def dictionaries(world: World) -> int:
    return Pack.objects.filter(organization=world.organization, dictionary_length__isnull=False).count()


def test_the_bytes_are_in_no_object_and_everything_else_is_there(world, commit):
    put_blobs(user=world.owner, organization=world.organization, contents=[SECRET, b"beside it"])
    put_blobs(user=world.owner, organization=world.organization, contents=[SECRET])
    Pack.objects.filter(blobs=None).update(created_at=timezone.now() - timedelta(days=99))
    collect(world.organization.pk)  # one of them waits in the queue
    assert dictionaries(world) == 1
    redact("--path", f"conf@{commit}")
    assert not [content for content in stored() if KEY.encode() in content]
    assert dictionaries(world) == 0  # it had learnt from it
    assert b"beside it" in stored()
    assert world.files() == {"conf": PLACEHOLDER, "source": SOURCES[1]}
    call_command("fsck", "--full", stdout=StringIO(), stderr=StringIO())
    Pack.objects.update(created_at=timezone.now() - timedelta(days=99))
    collect(world.organization.pk)
    assert world.files()["conf"] == PLACEHOLDER


def test_nothing_that_was_derived_of_it_is_left(world, commit):
    proposed = world.propose(world.root, {"conf": b"something else\n"})
    world.land(world.root, {"conf": b"entirely other\n"})
    detect(proposed)
    world.land(world.root, {"conf": SECRET})
    follow(world.organization.pk)
    assert KEY in str(list(Conflict.objects.values("hunks")))
    browser = Client()
    browser.force_login(world.owner)
    pages = ["/acme/slices/root/tree/conf", f"/acme/slices/root/commits/{commit}/"]
    shown = [browser.get(page) for page in pages]
    assert [answer.status_code for answer in shown] == [200, 200]
    assert KEY in shown[0].text
    redact("--digest", DIGEST.hex())
    assert KEY not in "".join(browser.get(page).text for page in pages)
    assert KEY not in str(list(Conflict.objects.values("hunks")))
    assert SearchText.objects.get(path="conf").text is None


def test_readers_are_told_and_a_checkout_has_the_placeholder(world, commit):
    api = Api(world.token(world.owner))
    redact("--path", f"conf@{commit}")
    assert code_of(api.get("slices/acme/root/file/", path="conf")) == (410, "redacted")
    manifest = b"".join(api.get("slices/acme/root/manifest/").streaming_content).decode()
    row = next(line.split() for line in manifest.splitlines() if line.endswith(" conf"))
    assert (row[1], row[2]) == (hashlib.sha256(PLACEHOLDER).hexdigest(), str(len(PLACEHOLDER)))
    for wanted in ({"all": True}, {"paths": ["conf", "source"]}):
        answer = api.post("slices/acme/root/objects/", {"commit": commit, **wanted})
        assert set(contents_of(b"".join(answer.streaming_content))) == {PLACEHOLDER, SOURCES[1]}
    archive = b"".join(api.get("slices/acme/root/archive/").streaming_content)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {
            member.name.partition("/")[2]: tar.extractfile(member).read() for member in tar if member.isfile()
        }
    assert found == {"conf": PLACEHOLDER, "source": SOURCES[1]}
    world.land(world.root, {"conf": b"clean\n"})
    assert world.files()["conf"] == b"clean\n"


def test_it_does_not_come_back(world, commit):
    redact("--path", f"conf@{commit}")
    api = Api(world.token(world.owner))
    answer = api.upload("acme", pack_of(b"beside", SECRET))
    assert code_of(answer) == (409, "redacted")
    assert not [content for content in stored() if KEY.encode() in content]
    assert not object_store().exists(
        object_name(world.organization.pk, hashlib.sha256(pack_of(b"beside", SECRET)).digest())
    )
    other = World("other")
    assert Api(other.token(other.owner)).upload("other", pack_of(SECRET)).status_code == 201


def test_it_is_audited_and_running_again_changes_nothing(world, commit):
    boss = User.objects.create_superuser("boss", password="x")
    redact("--path", f"conf@{commit}", "--user", "boss")
    event = AuditEvent.objects.get(action="content.redact")
    assert (event.actor, event.detail["reason"]) == (boss, "leaked")
    assert event.detail["named"] == [f"conf in {commit}"]
    redaction = Redaction.objects.get()
    assert (redaction.redacted_by, bytes(redaction.digest), redaction.size) == (boss, DIGEST, len(SECRET))
    redact("--digest", DIGEST.hex())
    assert Redaction.objects.count() == 1
    assert AuditEvent.objects.filter(action="content.redact").count() == 1


def test_one_that_was_killed_is_told_and_ends_when_run_again(world, commit):
    redact("--path", f"conf@{commit}")
    Redaction.objects.update(purged_at=None)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("fsck", "--no-packs", stdout=out, stderr=StringIO())
    assert "is not finished" in out.getvalue()
    redact("--digest", DIGEST.hex())
    call_command("fsck", "--no-packs", stdout=StringIO(), stderr=StringIO())


@pytest.mark.parametrize(
    "options", [("--digest", "ab" * 32), ("--digest", "no"), ("--path", "conf"), ("--path", "conf@beef")]
)
def test_what_is_not_there_is_not_redacted(world, options):
    with pytest.raises(CommandError):
        redact(*options)


def test_only_an_administrator_of_the_server_decides(world, commit):
    with pytest.raises(CommandError, match="no administrator"):
        redact("--path", f"conf@{commit}", "--user", world.owner.username)
