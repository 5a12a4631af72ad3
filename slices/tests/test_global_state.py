"""The global state: batch merges, what is in them, and any slice at any of them."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEvent, Event
from gitslice.common.errors import NameTaken
from gitslice_core.trees import Item, tree_digest
from slices.blobs import find_entries
from slices.changes import changed_between
from slices.errors import CommitNotFound, GlobalForbidden
from slices.folders import list_folder
from slices.fsck import check_organization
from slices.global_state.batches import Limits, plan_batch
from slices.global_state.errors import BrokenChain, BrokenTree, GlobalMergeRunning, InvalidTagName
from slices.global_state.merging import merge_global
from slices.global_state.naming import existing_global, find_global
from slices.global_state.recomputing import members, rebuild_trees
from slices.global_state.tags import create_tag
from slices.history import resolve_commit
from slices.locks import lock_key
from slices.manifests import find_manifest
from slices.models import Commit, GlobalCommit, GlobalState, MergedCommit, PathHead, PathVersion, TreeNode
from slices.patterns import patterns_of
from slices.sizes import size_of
from slices.tasks import merge_global_state, merge_global_states
from tests.world import World

pytestmark = pytest.mark.django_db


def merge(world, **limits):
    done = merge_global(actor=None, organization=world.organization, limits=Limits(**limits))
    return done and done[0]


def tree_of_heads(world):
    heads = PathHead.objects.filter(organization=world.organization, mode__isnull=False)
    return tree_digest({head.path: Item(head.mode, bytes(head.digest)) for head in heads})


def manifest(slice, text, reader):
    lines = b"".join(find_manifest(slice, reader, text, None, None).lines()).decode().splitlines()
    rows = (line.split(" ", 3) for line in lines)
    return {path: (mode, digest) for mode, digest, _, path in rows}


def seqs(*commits):
    return [commit.seq for commit in commits]


def test_a_batch_holds_everything_that_landed_and_the_next_only_what_is_new(world):
    assert merge(world) is None
    team = world.slice("team", "team/**")
    first = world.land(team, {"team/a": b"1", "team/sub/b": b"2"})
    second = world.land(world.root, {"other": b"3"})
    merged = merge(world)
    assert (merged.number, merged.commit_count, merged.path_count, merged.parent) == (1, 2, 3, None)
    assert members(merged) == seqs(first, second)
    assert bytes(merged.tree) == tree_of_heads(world)
    assert merge(world) is None
    third = world.land(team, {"team/a": None, "team/c": b"4"})
    again = merge(world)
    assert (again.number, members(again), again.parent) == (2, seqs(third), merged)
    assert bytes(again.tree) == tree_of_heads(world)
    assert list(check_organization(world.organization)) == []
    assert [event.object for event in AuditEvent.objects.filter(action="global.merge")] == ["g1", "g2"]
    kinds = [event.kind for event in Event.objects.filter(kind__startswith="global").order_by("pk")]
    assert kinds == ["global.started", "global.merged"] * 2


def test_a_batch_takes_at_most_so_many_commits_in_landing_order(world):
    commits = [world.land(world.root, {f"f{number}": b"x"}) for number in range(5)]
    batch = plan_batch(world.organization, Limits(commits=2))
    assert (batch.seqs, batch.left, batch.number) == (seqs(*commits[:2]), 3, 1)
    assert not GlobalCommit.objects.exists()
    assert members(merge(world, commits=2)) == seqs(*commits[:2])
    assert members(merge(world)) == seqs(*commits[2:])


def test_named_slices_are_merged_with_what_they_depend_on(world):
    one, two, three = (world.slice(name, f"{name}/**", "shared/**") for name in ("one", "two", "three"))
    lonely = world.slice("lonely", "lonely/**")
    alone = world.land(lonely, {"lonely/x": b"x"})
    base = world.land(two, {"shared/money": b"1", "two/b": b"2"})
    apart = world.land(three, {"three/c": b"3"})
    asked = world.land(one, {"one/a": b"1"})
    PathVersion.objects.filter(seq=apart.seq).get()
    batch = plan_batch(world.organization, Limits(slices=[world.fresh(one)]))
    assert batch.seqs == seqs(base, asked)  # what changes shared/ is in the log of every slice that covers it
    outside = world.slice("outside", "one/**")
    batch = plan_batch(world.organization, Limits(slices=[world.fresh(outside)]))
    assert (batch.seqs, batch.pulled_in) == (seqs(asked), frozenset())
    later = world.land(one, {"one/a": b"2", "shared/money": b"9"})
    batch = plan_batch(world.organization, Limits(slices=[world.fresh(outside)]))
    assert (batch.seqs, batch.pulled_in) == (seqs(base, asked, later), frozenset(seqs(base)))
    merged = merge(world, slices=[world.fresh(outside)])
    assert members(merged) == seqs(base, asked, later)
    assert members(merge(world)) == seqs(alone, apart)
    assert bytes(existing_global(world.organization.pk, "global").tree) == tree_of_heads(world)
    assert list(check_organization(world.organization)) == []


def test_who_makes_room_for_a_path_comes_with_it(world):
    files, folders = world.slice("files", "a"), world.slice("folders", "a/**")
    world.land(files, {"a": b"file"})
    merge(world)
    away = world.land(files, {"a": None})
    inside = world.land(folders, {"a/b": b"x"})
    assert plan_batch(world.organization, Limits(slices=[world.fresh(folders)])).seqs == seqs(away, inside)
    gone = world.land(folders, {"a/b": None})
    back = world.land(files, {"a": b"again"})
    batch = plan_batch(world.organization, Limits(slices=[world.fresh(files)]))
    assert batch.seqs == seqs(away, inside, gone, back)
    merge(world)
    assert list(check_organization(world.organization)) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_slice_at_a_global_commit_is_what_the_commits_in_it_say(seed):
    """Random landings and merges of parts, against a plain replay of the commits that were merged."""
    chance = random.Random(seed)
    world = World()
    slices = [
        world.slice(f"s{n}", *patterns) for n, patterns in enumerate([["a/**"], ["a/b/**", "c/**"], ["c/**"]])
    ]
    slices.append(world.root)
    expected = {}
    for _ in range(16):
        for _ in range(chance.randint(1, 4)):
            folder = chance.choice(["a/", "a/b/", "c/", "d/"])
            standing = [path for path in world.files() if path.startswith(folder)]
            files = {folder + f"f{chance.randint(0, 5)}": b"%d" % chance.getrandbits(16)}
            files |= {path: None for path in standing[:1] if chance.random() < 0.3}
            slice = chance.choice([slice for slice in slices if all(map(patterns_of(slice).covers, files))])
            world.land(slice, files)
        part = {"slices": [world.fresh(chance.choice(slices[:3]))]}
        limits = chance.choice([{}, {"commits": 2}, part, part, part, part])
        merged = merge(world, **limits)
        if merged:
            expected[merged.number] = replay(world, merged.number)
    assert any(merged.floor < merged.last_seq for merged in GlobalCommit.objects.all()), "no part"
    for number, tree in expected.items():
        for slice in slices:
            compare(world, slice, number, tree)
    assert list(check_organization(world.organization)) == []


def replay(world, number):
    tree = {}
    merged = MergedCommit.objects.filter(organization=world.organization, number__lte=number)
    for version in PathVersion.objects.filter(seq__in=merged.values("seq")).order_by("seq"):
        tree[version.path] = version.new_mode and (version.new_mode, bytes(version.new_digest).hex())
    return {path: entry for path, entry in tree.items() if entry}


def compare(world, slice, number, tree):
    covers, slice = patterns_of(slice).covers, world.fresh(slice)
    wanted = {path: entry for path, entry in tree.items() if covers(path)}
    assert manifest(slice, f"g{number}", world.owner) == wanted
    hexed = find_manifest(slice, world.owner, f"g{number}", None, None)
    if hexed.commit is not None:
        assert manifest(slice, hexed.commit.state_name, world.owner) == wanted
        entries = find_entries(slice, f"g{number}", list(wanted), world.owner)
        assert {path: (entry.mode, entry.digest.hex()) for path, entry in entries.items()} == wanted
        assert size_of(slice, hexed.commit.moment).files == len(wanted)
    names = {path.split("/")[0] for path in wanted}
    assert {child.name for child in list_folder(slice, hexed.commit, "")} == names
    before = resolve_commit(slice, f"g{number - 1}", world.owner) if number > 1 else None
    old = manifest(slice, f"g{number - 1}", world.owner) if before else {}
    changed = {pair.path: pair for pair in changed_between(slice, before, hexed.commit)}
    moved = {pair.renamed_from for pair in changed.values() if pair.renamed_from}
    assert changed.keys() | moved == {
        path for path in old.keys() | wanted.keys() if old.get(path) != wanted.get(path)
    }


def test_the_state_is_named_by_tag_number_digits_and_word(world):
    commit = world.land(world.root, {"a": b"1"})
    merged = merge(world)
    world.land(world.root, {"a": b"2"})
    tag = create_tag(actor=world.owner, organization=world.organization, name="v1.2", target=merged)
    for name in ("v1.2", "g1", "global", merged.hex, merged.hex[:8]):
        assert find_global(world.organization.pk, name) == merged
        assert resolve_commit(world.root, name, world.owner) == commit
    assert create_tag(actor=world.owner, organization=world.organization, name="v1.2", target=merged) == tag
    with pytest.raises(CommitNotFound):
        resolve_commit(world.root, "v1.3", world.owner)
    assert find_global(World("other").organization.pk, "v1.2") is None


@pytest.mark.parametrize(
    "name",
    [
        "",
        "HEAD",
        "global",
        "g7",
        "deadbeef",
        "G7",
        "g0",
        "cl-5",
        "v1..v2",
        " v9 ",
        "a b",
        "a/b",
        "-v",
        "x" * 101,
        "é",
    ],
)
def test_a_tag_is_nothing_that_names_something_else(world, name):
    world.land(world.root, {"a": b"1"})
    with pytest.raises(InvalidTagName):
        create_tag(actor=world.owner, organization=world.organization, name=name, target=merge(world))


def test_tags_and_global_commits_never_change(world):
    world.land(world.root, {"a": b"1"})
    first = merge(world)
    world.land(world.root, {"a": b"2"})
    second = merge(world)
    tag = create_tag(actor=world.owner, organization=world.organization, name="v1", target=first)
    with pytest.raises(NameTaken, match="names g1 already"):
        create_tag(actor=world.owner, organization=world.organization, name="v1", target=second)
    for change in (
        tag.delete,
        lambda: GlobalCommit.objects.update(tree=bytes(32)),
        MergedCommit.objects.all().delete,
    ):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            change()


def test_who_may_merge_and_tag(world):
    world.land(world.root, {"a": b"1"})
    member = world.user("member")
    with pytest.raises(GlobalForbidden):
        merge_global(actor=member, organization=world.organization)
    merged, _ = merge_global(actor=world.user("admin", "admin"), organization=world.organization)
    with pytest.raises(GlobalForbidden):
        create_tag(actor=member, organization=world.organization, name="v1", target=merged)
    world.land(world.root, {"a": b"2"})
    writer = world.writer(world.root, "writer")
    assert merge_global(actor=writer, organization=world.organization)[0].author == writer


def break_chain(world, commit):
    version = PathVersion.objects.get(seq=commit.seq)
    PathVersion.objects.filter(pk=version.pk).delete()
    return version


def test_a_gap_stops_the_merge_is_named_and_changes_nothing(world):
    world.land(world.root, {"a": b"1", "b": b"1"})
    merged = merge(world)
    lost = world.land(world.root, {"a": b"2"})
    after = world.land(world.root, {"a": b"3"})
    version = break_chain(world, lost)
    Commit.objects.filter(pk=lost.pk).update(file_count=0)
    nodes = TreeNode.objects.count()
    for _ in range(2):
        with pytest.raises(BrokenChain, match=f"a has a gap: commit {after.hex[:12]} does not begin with"):
            merge(world)
    state = GlobalState.objects.get()
    assert (state.head, TreeNode.objects.count(), MergedCommit.objects.count()) == (merged, nodes, 1)
    assert (state.problem["path"], state.problem["commit"]) == ("a", after.hex)
    assert Event.objects.filter(kind="global.stopped").count() == 1
    assert merge_global_state(world.organization.pk) == 0
    version.save(force_insert=True)
    Commit.objects.filter(pk=lost.pk).update(file_count=1)
    assert merge(world).commit_count == 2
    assert GlobalState.objects.get().problem is None


def test_a_commit_without_all_its_versions_is_named(world):
    commit = world.land(world.root, {"a": b"1"})
    break_chain(world, commit)
    with pytest.raises(BrokenChain, match="0 path versions, not 1"):
        merge(world)


def test_a_clock_that_steps_back_does_not_reorder_history(world, monkeypatch):
    world.land(world.root, {"a": b"1"})
    first = merge(world)
    monkeypatch.setattr("slices.global_state.merging.timezone.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    world.land(world.root, {"a": b"2"})
    second = merge(world)
    assert second.merged_at == first.merged_at
    assert list(check_organization(world.organization)) == []


def test_every_organization_is_merged_by_the_schedule(world):
    other = World("other")
    for each in (world, other):
        each.land(each.root, {"a": b"1"})
    World("idle")
    assert merge_global_states.run() == 2
    assert {merge_global_state(each.organization.pk) for each in (world, other)} == {1}
    assert merge_global_states.run() == 0


def test_one_merge_at_a_time(world):
    world.land(world.root, {"a": b"1"})
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [lock_key("global", world.organization.pk)])
        with pytest.raises(GlobalMergeRunning):
            merge(world)
        other.execute("SELECT pg_advisory_unlock_all()")  # the end of a connection is noticed a moment late
    assert merge(world)


def test_ten_thousand_commits_after_an_outage(world):
    many(world, 10_000)
    batch = plan_batch(world.organization)
    assert (len(batch.seqs), batch.left) == (10_000, 0)
    merged = merge(world)
    assert bytes(merged.tree) == tree_of_heads(world)
    assert merge(world) is None
    told = Event.objects.filter(kind__startswith="global").order_by("pk").values_list("kind", "body__step")
    assert list(told)[:2] == [("global.progress", "chosen"), ("global.started", None)]


def many(world, count):
    """Commits made of rows, each on five paths of a thousand."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH done AS (
                INSERT INTO slices_commit (organization_id, seq, digest, slice_id, author_id, message, landed_at,
                                           file_count, merged_paths)
                SELECT %(org)s, nextval('slices_commit_order'), sha256(n::text::bytea), %(slice)s, %(author)s, 'row', now(),
                       5, '[]' FROM generate_series(0, %(count)s - 1) AS n RETURNING seq),
            change AS (
                SELECT seq, 'd' || ((rank * 5 + k) %% 40) || '/f' || ((rank * 5 + k) %% 1000) AS path,
                       sha256((rank || ' ' || k)::bytea) AS digest
                  FROM (SELECT seq, row_number() OVER (ORDER BY seq) AS rank FROM done) numbered, generate_series(0, 4) AS k)
            INSERT INTO slices_pathversion (organization_id, seq, path, op, old_mode, old_digest, new_mode, new_digest, new_size)
            SELECT %(org)s, seq, path, 'modify', lag('100644'::text) OVER w, lag(digest) OVER w, '100644', digest, 1
              FROM change WINDOW w AS (PARTITION BY path ORDER BY seq)
            """,
            {"org": world.organization.pk, "slice": world.root.pk, "author": world.owner.pk, "count": count},
        )
        cursor.execute(
            "INSERT INTO slices_pathhead (organization_id, path, seq, mode, digest, size)"
            " SELECT DISTINCT ON (path) organization_id, path, seq, new_mode, new_digest, new_size"
            " FROM slices_pathversion ORDER BY path, seq DESC"
        )


def test_lost_and_damaged_nodes_are_found_and_made_again(world):
    for number in range(3):
        world.land(world.root, {f"a/{number}": b"1", "b": b"%d" % number})
        merge(world)
    count = TreeNode.objects.count()
    TreeNode.objects.filter(pk__in=list(TreeNode.objects.values_list("pk", flat=True)[:2])).delete()
    assert any(
        "manage.py rebuild_trees" in str(finding) for finding in check_organization(world.organization)
    )
    TreeNode.objects.all().delete()
    assert rebuild_trees(world.organization.pk) == 3
    assert TreeNode.objects.count() == count
    assert list(check_organization(world.organization)) == []


def test_nothing_is_built_on_a_damaged_node(world):
    """Neither on half a frame, nor on a sound frame of something else."""
    world.land(world.root, {"a/1": b"1", "b/1": b"2"})
    first = merge(world)
    world.land(world.root, {"a/2": b"1"})
    sound = {bytes(node.digest): bytes(node.body) for node in TreeNode.objects.all()}
    other = next(body for digest, body in sound.items() if digest != bytes(first.tree))
    for damage in (sound[bytes(first.tree)][:10], other, b""):
        TreeNode.objects.filter(digest=first.tree).update(body=damage)
        with pytest.raises(BrokenTree, match="is missing or damaged") as problem:
            merge(world)
        assert "rebuild_trees" in problem.value.hint
        assert GlobalState.objects.get().head == first
        assert rebuild_trees(world.organization.pk) == 1
        assert {bytes(node.digest): bytes(node.body) for node in TreeNode.objects.all()} == sound
    assert bytes(merge(world).tree) == tree_of_heads(world)
    assert list(check_organization(world.organization)) == []


def test_fsck_finds_a_tree_that_the_commits_do_not_give(world):
    world.land(world.root, {"a": b"1"})
    merge(world)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE slices_globalcommit DISABLE TRIGGER never_changes")
        GlobalCommit.objects.update(tree=bytes(32), merged_at=datetime.now(UTC) + timedelta(1))
        cursor.execute("ALTER TABLE slices_globalcommit ENABLE TRIGGER never_changes")
    problems = [finding.problem for finding in check_organization(world.organization)]
    assert problems == ["its content does not have its digest", "the commits in it do not give its tree"]
