"""Slices and their definitions; the heads, versions, commits and logs of the tree; its global state."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, HashIndex
from django.core.validators import MinValueValidator
from django.db import models

from accounts.models import validate_slug
from slices.moments import Moment
from slices.querysets import SliceQuerySet

ROOT = "root"


class Slice(models.Model):
    """A named, versioned set of path patterns with owners, visibility, policy and a history."""

    class Visibility(models.TextChoices):
        PRIVATE = "private"
        ORGANIZATION = "organization"
        PUBLIC = "public"

    class ConflictPolicy(models.TextChoices):
        CONTENT = "content"  # a clean three-way merge may land
        FILE = "file"  # a path that another slice landed since the base blocks, whatever the content

    class AutoMerge(models.TextChoices):
        CLEAN = "clean"
        OFF = "off"

    class OverlapApprovals(models.TextChoices):
        OFF = "off"
        OWNERS = "owners"  # of every other slice that covers a touched path, one must approve

    organization = models.ForeignKey("accounts.Organization", on_delete=models.PROTECT, related_name="slices")
    name = models.CharField(max_length=64, validators=[validate_slug])
    description = models.TextField(blank=True)
    visibility = models.CharField(max_length=12, choices=Visibility, default=Visibility.ORGANIZATION)
    locked = models.BooleanField(default=False)
    conflict_policy = models.CharField(max_length=10, choices=ConflictPolicy, default=ConflictPolicy.CONTENT)
    auto_merge = models.CharField(max_length=10, choices=AutoMerge, default=AutoMerge.CLEAN)
    required_approvals = models.PositiveSmallIntegerField(default=0, validators=[MinValueValidator(0)])
    overlap_approvals = models.CharField(
        max_length=6, choices=OverlapApprovals, default=OverlapApprovals.OFF, db_default=OverlapApprovals.OFF
    )
    required_checks = models.JSONField(default=list, db_default=[])  # names of checks
    definition = models.ForeignKey("Definition", on_delete=models.PROTECT, null=True, related_name="+")
    head = models.ForeignKey(
        "Commit", on_delete=models.PROTECT, null=True, related_name="+"
    )  # newest of its log
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SliceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="slice_name_once")]

    def __str__(self) -> str:
        return f"{self.organization}/{self.name}"

    @property
    def is_root(self) -> bool:
        return self.name == ROOT


class Definition(models.Model):
    """One immutable version of a slice's patterns, chained to the version before by digest."""

    slice = models.ForeignKey(Slice, on_delete=models.CASCADE, related_name="definitions")
    version = models.PositiveIntegerField()
    includes = models.JSONField()  # list of patterns
    excludes = models.JSONField(default=list)
    digest = models.BinaryField(max_length=32)
    parent_digest = models.BinaryField(max_length=32, null=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["slice", "-version"]
        constraints = [models.UniqueConstraint(fields=["slice", "version"], name="definition_version_once")]

    def __str__(self) -> str:
        return f"{self.slice} v{self.version}"


class SlicePrefix(models.Model):
    """Literal prefix of a current include pattern, so that coverage of k paths is one indexed query. Derived.

    The prefix has no leading or trailing slash; '' stands for a pattern that begins with a glob.
    The root slice has no row: it covers every path.
    """

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    prefix = models.TextField(db_collation="C")
    slice = models.ForeignKey(Slice, on_delete=models.CASCADE, related_name="prefixes")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "prefix", "slice"], name="slice_prefix_once"),
        ]


class SliceRole(models.Model):
    """What a user or a team may do in a slice. A maintainer is an owner of the slice."""

    class Role(models.TextChoices):
        READER = "reader"
        WRITER = "writer"
        MAINTAINER = "maintainer"

    slice = models.ForeignKey(Slice, on_delete=models.CASCADE, related_name="roles")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="slice_roles"
    )
    team = models.ForeignKey("accounts.Team", on_delete=models.CASCADE, null=True, related_name="slice_roles")
    role = models.CharField(max_length=12, choices=Role)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slice", "user"], name="slice_role_once_a_user"),
            models.UniqueConstraint(fields=["slice", "team"], name="slice_role_once_a_team"),
            models.CheckConstraint(
                condition=models.Q(user__isnull=True) ^ models.Q(team__isnull=True), name="slice_role_of_one"
            ),
        ]


class Commit(models.Model):
    """An immutable, landed delta. `seq` orders the commits of an organization; see slices/commits.py for `digest`.

    `seq` comes from one database sequence and is allocated under the locks of every slice the commit touches,
    so within a slice's log it grows in landing order.
    """

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="commits", db_index=False
    )
    seq = models.BigIntegerField()
    digest = models.BinaryField(max_length=32)
    slice = models.ForeignKey(
        Slice, on_delete=models.PROTECT, related_name="authored_commits", db_index=False
    )
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    message = models.TextField()
    landed_at = models.DateTimeField()
    changeset_number = models.BigIntegerField(null=True)
    file_count = models.IntegerField()
    merged_paths = models.JSONField(default=list)  # paths whose content was three-way merged at landing

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "seq"], name="commit_seq_once"),
            models.UniqueConstraint(fields=["organization", "digest"], name="commit_digest_once"),
        ]
        indexes = [
            models.Index(fields=["slice", "-seq"], name="commit_by_slice"),
            models.Index(fields=["organization", "landed_at"], name="commit_by_time"),
        ]

    def __str__(self) -> str:
        return self.hex

    @property
    def hex(self) -> str:
        """The commit's name."""
        return bytes(self.digest).hex()

    # Set where the commit was found by way of a global commit that leaves out some that landed before it.
    by_way_of: GlobalCommit | None = None
    left_out: tuple[int, ...] = ()

    @property
    def moment(self) -> Moment:
        """What had landed with it."""
        return Moment(self.seq, self.left_out)

    @property
    def state_name(self) -> str:
        """The name by which this state of the tree is found again."""
        return self.by_way_of.hex if self.by_way_of else self.hex


class PathHead(models.Model):
    """The accepted entry of a path now. `mode` NULL is a tombstone: the path was deleted at `seq`."""

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    path = models.TextField(db_collation="C")
    mode = models.CharField(max_length=6, null=True)
    digest = models.BinaryField(max_length=32, null=True)
    size = models.BigIntegerField(null=True)
    seq = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "path"], name="path_head_once")]

    def __str__(self) -> str:
        return self.path


class PathVersion(models.Model):
    """What one commit did to one path. Entries that are absent are NULL (`old_*` of an add, `new_*` of a delete)."""

    class Op(models.TextChoices):
        ADD = "add"
        MODIFY = "modify"
        DELETE = "delete"
        RENAME = "rename"  # stands at the new path; the old path has a `delete` in the same commit
        CHMOD = "chmod"

    organization = models.ForeignKey(
        "accounts.Organization",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    path = models.TextField(db_collation="C")
    seq = models.BigIntegerField()
    op = models.CharField(max_length=6, choices=Op)
    old_mode = models.CharField(max_length=6, null=True)
    old_digest = models.BinaryField(max_length=32, null=True)
    new_mode = models.CharField(max_length=6, null=True)
    new_digest = models.BinaryField(max_length=32, null=True)
    new_size = models.BigIntegerField(null=True)
    renamed_from = models.TextField(null=True, db_collation="C")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "path", "seq"], name="path_version_once")
        ]
        indexes = [
            models.Index(fields=["organization", "seq"], name="path_version_by_seq"),
            HashIndex(fields=["new_digest"], name="path_version_by_blob"),
        ]

    def __str__(self) -> str:
        return f"{self.path} @{self.seq}"


class SliceLog(models.Model):
    """The commits that touch a slice: its own, and those that landed through overlapping slices.

    The root slice's log is every commit of the organization and is not stored.
    """

    slice = models.ForeignKey(Slice, on_delete=models.CASCADE, related_name="log", db_index=False)
    seq = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slice", "seq"], name="slice_log_once")]


class GlobalCommit(models.Model):
    """One batch merge: the tree of everything landed so far, but for what a batch of a few slices left out.

    `tree` is the root of a Merkle tree (gitslice_core/trees.py); for `digest` see slices/global_state/digests.py.
    """

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="global_commits", db_index=False
    )
    number = models.BigIntegerField()  # 1, 2, 3, ... in the organization
    digest = models.BinaryField(max_length=32)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    tree = models.BinaryField(max_length=32)
    salt = models.BinaryField(max_length=16)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )  # NULL: the schedule
    merged_at = models.DateTimeField()
    commit_count = models.IntegerField()
    path_count = models.IntegerField()
    last_seq = models.BigIntegerField()  # the greatest that is in it or in one before it
    floor = models.BigIntegerField()  # every commit up to this seq is in it or in one before it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "number"], name="global_commit_number_once"),
            models.UniqueConstraint(fields=["organization", "digest"], name="global_commit_digest_once"),
        ]

    def __str__(self) -> str:
        return f"g{self.number}"

    @property
    def hex(self) -> str:
        return bytes(self.digest).hex()


class MergedCommit(models.Model):
    """The commit at `seq` is in the global commit `number`, and in no other."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    seq = models.BigIntegerField()
    number = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "seq"], name="merged_commit_once")]
        indexes = [models.Index(fields=["organization", "number", "seq"], name="merged_commit_by_number")]


class GlobalState(models.Model):
    """Where the batch merge of an organization stands: its newest global commit, and why the last run stopped."""

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.PROTECT, primary_key=True, related_name="global_state"
    )
    head = models.ForeignKey(GlobalCommit, on_delete=models.PROTECT, null=True, related_name="+")
    problem = models.JSONField(null=True)  # {"message", "path", "seq"} of what must be mended first
    problem_at = models.DateTimeField(null=True)


class GlobalTag(models.Model):
    """A name for a global commit, for ever."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.PROTECT, related_name="global_tags", db_index=False
    )
    name = models.CharField(max_length=100)
    target = models.ForeignKey(GlobalCommit, on_delete=models.PROTECT, related_name="tags")
    message = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "name"], name="global_tag_once")]

    def __str__(self) -> str:
        return self.name


class TreeNode(models.Model):
    """A node of the Merkle trees of global commits (gitslice_core/trees.py). Derived: `manage.py rebuild_trees`."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    digest = models.BinaryField(max_length=32)
    body = models.BinaryField()  # its text as a zstd frame

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="tree_node_once")]


class SearchState(models.Model):
    """Up to which commit the texts that are searched are those of the heads."""

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    seq = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.organization}: {self.seq}"


SPELT = models.Func("text", models.Value("_"), models.Value("q"), function="translate")  # see search/grams.py


class SearchText(models.Model):
    """The text at a path head, to be searched; NULL for what is none, or too large. Derived: `manage.py rebuild_search`."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    path = models.TextField(db_collation="C")
    digest = models.BinaryField(max_length=32)  # of the head that it was made of
    text = models.TextField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "path"], name="search_text_once")]
        indexes = [
            GinIndex("organization", models.Func(SPELT, function="show_trgm"), name="search_text_grams")
        ]

    def __str__(self) -> str:
        return self.path


class CoverageState(models.Model):
    """Up to which commit, and with which definitions, the coverage of the tree is counted."""

    organization = models.OneToOneField(
        "accounts.Organization", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    seq = models.BigIntegerField(default=0)
    definitions = models.CharField(max_length=32, default="")  # a digest of those that all slices had
    counted_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.organization}: {self.seq}"


class CoverageCount(models.Model):
    """Files and bytes in a folder that exactly these slices cover, root apart; see coverage_counts.py. Derived:
    `manage.py rebuild_coverage`."""

    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, related_name="+", db_index=False
    )
    folder = models.TextField(db_collation="C")
    slices = ArrayField(models.BigIntegerField())
    files = models.BigIntegerField()
    bytes = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["organization", "folder"], name="coverage_count_by_folder")]

    def __str__(self) -> str:
        return self.folder
