"""What can be mended: derived data from truth, and lost bytes from wherever the same blob still is. Truth is never invented."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.db import connection, transaction

from accounts.models import Organization
from accounts.quotas.services import recount
from changesets.models import Changeset
from conflicts.detection import detect
from conflicts.open_edits import gaps_of
from gitslice.objects.models import Pack
from gitslice.objects.removing import COLLECTED, object_grace
from gitslice.objects.rewriting import rewrite_packs
from gitslice.objects.salvaging import Source, mend_dictionary, salvage, stored_sources
from gitslice.objects.store import ObjectMissing, object_store
from gitslice.objects.verifying import check_pack
from gitslice.ops.backup.errors import BackupError, Damaged
from gitslice.ops.backup.manifests import Manifest, PackFacts
from gitslice.ops.backup.vaults import Vault
from gitslice.ops.integrity.naming import places_of
from gitslice_core.packs import PackError
from gitslice_core.trees import TreeError
from slices.definitions import rebuild_prefixes
from slices.fsck import PREFIXES, SEARCH, TREES, Finding
from slices.global_state.recomputing import rebuild_trees
from slices.locks import own_epoch
from slices.patterns import patterns_of
from slices.search.index import refresh


def repair(
    organization: Organization, found: Iterable[Finding], backup: Backup | None = None
) -> Iterator[str]:
    """Mend what was found wrong in an organization; says what was done."""
    found = list(found)
    kinds = {finding.derived for finding in found}
    if PREFIXES in kinds:
        yield f"prefixes of {_mend_prefixes(organization)} slices written anew"
    if TREES in kinds:
        yield from _mend_trees(organization)
    yield from _mend_blobs(organization, found, backup)
    if SEARCH in kinds:
        yield f"{refresh(organization.pk)} texts to be searched made anew"
    recount(organization)
    for changeset in Changeset.objects.filter(pk__in=gaps_of(organization.pk)).order_by("pk"):
        detect(changeset)
        yield f"conflicts of {changeset} found anew"


class Backup:
    """A backup that blobs may be taken from."""

    def __init__(self, vault: Vault, manifest: Manifest) -> None:
        self._vault = vault
        self._packs = {pack.name: pack for pack in manifest.packs}

    def sources(self, organization_id: int) -> Iterator[Source]:
        for pack in self._packs.values():
            if pack.organization == organization_id:
                yield Source(pack.name, lambda pack=pack: self._read(pack))  # type: ignore[misc]

    def restore(self, name: str) -> bool:
        """Put the very pack back in its place; False if the backup does not have it, intact."""
        pack = self._packs.get(name)
        if pack is None:
            return False
        store = object_store()
        try:
            with store.spool() as spooled:
                self._vault.copy(self._vault.pack_name(pack), pack.size, pack.sha256, spooled)
                store.put_pack(name, spooled)
        except BackupError:
            return False
        return True

    def _read(self, pack: PackFacts) -> Iterator[bytes]:
        try:
            yield from self._vault.read(self._vault.pack_name(pack), pack.size)
        except Damaged as error:
            raise PackError(str(error)) from None


@transaction.atomic
def _mend_prefixes(organization: Organization) -> int:
    own_epoch(organization.pk)
    slices = [slice for slice in organization.slices.select_related("definition") if not slice.is_root]
    for slice in slices:
        rebuild_prefixes(slice, patterns_of(slice))
    return len(slices)


def _mend_trees(organization: Organization) -> Iterator[str]:
    try:
        yield f"trees of {rebuild_trees(organization.pk)} global commits made anew"
    except TreeError as error:
        yield f"trees cannot be made anew: {error}"


def _mend_blobs(organization: Organization, found: list[Finding], backup: Backup | None) -> Iterator[str]:
    damaged = {finding.facts["pack"] for finding in found if "pack" in finding.facts}
    unrestored: list[int] = []
    for pack in Pack.objects.filter(organization=organization, digest__in=map(bytes.fromhex, damaged)):
        if backup and backup.restore(_object(pack)):
            yield f"pack {pack} restored from the backup"
        else:
            _try_dictionary(pack)
            unrestored.append(pack.pk)
    wanted = {bytes.fromhex(finding.facts["digest"]) for finding in found if "digest" in finding.facts}
    mended = set()
    if wanted:
        uploader = _uploader(organization, wanted)
        mended = salvage(organization.pk, wanted, _sources(organization, backup), uploader)
    for digest in sorted(mended):
        yield f"blob {digest.hex()} found in another pack, or in the backup, and written anew"
    for digest in sorted(wanted - mended):
        yield f"blob {digest.hex()} is nowhere to be found"
    for pack in Pack.objects.filter(pk__in=unrestored):
        if check_pack(pack) and _left_behind(pack):
            yield f"pack {pack} left for a new one, with what is intact in it"


def _sources(organization: Organization, backup: Backup | None) -> Iterator[Source]:
    yield from stored_sources(organization.pk)
    if backup:
        yield from backup.sources(organization.pk)


def _uploader(organization: Organization, wanted: set[bytes]) -> int:
    """Whoever made one of the places that name them: a pack has an uploader."""
    for digest in sorted(wanted):
        for place in places_of(organization.pk, digest):
            return place.author_id
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(uploaded_by_id) FROM objects_pack WHERE organization_id = %s", [organization.pk]
        )
        return cursor.fetchone()[0]


def _left_behind(pack: Pack) -> bool:
    """Copy what is intact; False if blobs of it are lost, which it then goes on naming."""
    try:
        rewrite_packs([pack], reason=COLLECTED, grace=object_grace())
    except (PackError, ObjectMissing):
        return False
    return True


def _try_dictionary(pack: Pack) -> None:
    try:
        mend_dictionary(pack)
    except (PackError, ObjectMissing):
        return  # it is too damaged to say


def _object(pack: Pack) -> str:
    return PackFacts(pack.organization_id, str(pack), pack.size).name
