"""Shapes of answers, as the OpenAPI document shows them. Nothing is validated by these."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers as s

PAGE = [
    OpenApiParameter("limit", int, description="items a page, 50 by default, at most 500"),
    OpenApiParameter("cursor", description="next_cursor of the page before"),
]
COMMIT = OpenApiParameter(
    "commit",
    description="commit id, 6 or more first digits of it, HEAD (default), or a tag or commit of the global state",
)
STAT = OpenApiParameter("stat", bool, description="leave the hunks out")


class Shape(s.Serializer[Any]):
    pass


class DefinitionName(Shape):
    version = s.IntegerField()
    digest = s.CharField()


class SliceRow(Shape):
    slice = s.CharField(help_text="org/slice")
    description = s.CharField()
    visibility = s.ChoiceField(["private", "organization", "public"])
    head = s.CharField(allow_null=True)
    file_count = s.IntegerField()
    bytes = s.IntegerField()
    pending_changesets = s.IntegerField()
    locked = s.BooleanField()
    definition = DefinitionName()


class SlicePage(Shape):
    items = SliceRow(many=True)
    next_cursor = s.CharField(allow_null=True)


class Policy(Shape):
    conflicts = s.ChoiceField(["content", "file"])
    auto_merge = s.ChoiceField(["clean", "off"])
    required_approvals = s.IntegerField()
    overlap_approvals = s.ChoiceField(["off", "owners"])
    required_checks = s.ListField(child=s.CharField())


class SliceDetail(SliceRow):
    includes = s.ListField(child=s.CharField())
    excludes = s.ListField(child=s.CharField())
    policy = Policy()
    owners = s.ListField(child=s.CharField(), help_text="user names and team:slug")
    my_role = s.ChoiceField(["reader", "writer", "maintainer"], allow_null=True)
    created_at = s.DateTimeField()


class Status(Shape):
    slice = s.CharField()
    head = s.CharField(allow_null=True)
    head_time = s.DateTimeField(allow_null=True)
    health = s.ChoiceField(["healthy", "conflicts"])
    pending_changesets = s.IntegerField()
    open_conflicts = s.IntegerField()
    locked = s.BooleanField()
    file_count = s.IntegerField()
    bytes = s.IntegerField()


class Owner(Shape):
    kind = s.ChoiceField(["user", "team"])
    name = s.CharField()
    role = s.ChoiceField(["reader", "writer", "maintainer"])


class Owners(Shape):
    slice = s.CharField()
    owners = Owner(many=True)


class Role(Owner):
    active = s.BooleanField(help_text="false for who is deactivated")


class RolePage(Shape):
    items = Role(many=True)
    next_cursor = s.CharField(allow_null=True)


class DefinitionVersion(DefinitionName):
    parent = s.CharField(allow_null=True)  # type: ignore[assignment]
    includes = s.ListField(child=s.CharField())
    excludes = s.ListField(child=s.CharField())
    author = s.CharField(allow_null=True)
    created_at = s.DateTimeField()


class DefinitionPage(Shape):
    items = DefinitionVersion(many=True)
    next_cursor = s.CharField(allow_null=True)


class OverlapRow(Shape):
    slice = s.CharField()
    paths = s.ListField(child=s.CharField(), help_text="the first 100")
    path_count = s.IntegerField()


class OverlapPage(Shape):
    items = OverlapRow(many=True)
    next_cursor = s.CharField(allow_null=True)


class TreeItem(Shape):
    name = s.CharField()
    kind = s.ChoiceField(["file", "folder", "symlink"])
    mode = s.CharField(allow_null=True)
    digest = s.CharField(allow_null=True)
    size = s.IntegerField(allow_null=True)


class Tree(Shape):
    slice = s.CharField()
    commit = s.CharField(allow_null=True)
    path = s.CharField()
    items = TreeItem(many=True)


class Entry(Shape):
    mode = s.ChoiceField(["100644", "100755", "120000"])
    digest = s.CharField(help_text="SHA-256, hexadecimal")
    size = s.IntegerField()


class CommitRow(Shape):
    commit = s.CharField()
    parent = s.CharField(allow_null=True)  # type: ignore[assignment]
    author = s.CharField()
    time = s.DateTimeField()
    message = s.CharField()
    slice = s.CharField(
        allow_null=True, help_text="where it landed; null if the caller may not see that slice"
    )
    changeset = s.CharField(allow_null=True)
    files = s.IntegerField()
    merged_paths = s.ListField(child=s.CharField())


class Before(Shape):
    commit = s.CharField()
    path = s.CharField()


class BlamedCommit(CommitRow):
    path = s.CharField(help_text="what the file was called then")
    before = Before(allow_null=True, help_text="the version of the file before")


class BlamedLine(Shape):
    number = s.IntegerField()
    text = s.CharField()
    commit = s.CharField()
    author = s.CharField()
    time = s.DateTimeField()
    changeset = s.CharField(allow_null=True)


class Blame(Shape):
    slice = s.CharField()
    commit = s.CharField()
    path = s.CharField()
    complete = s.BooleanField(
        help_text="false: the history was too long; lines of the oldest commit may have come before it"
    )
    lines = BlamedLine(many=True)
    commits = BlamedCommit(many=True, help_text="those that lines came with, newest first")


class CommitPage(Shape):
    items = CommitRow(many=True)
    next_cursor = s.CharField(allow_null=True)


class ChangedFile(Shape):
    path = s.CharField()
    op = s.ChoiceField(["add", "modify", "delete", "rename", "chmod"])
    old = Entry(allow_null=True)
    new = Entry(allow_null=True)
    renamed_from = s.CharField(allow_null=True)


class CommitDetail(CommitRow):
    files = ChangedFile(many=True)  # type: ignore[assignment]
    file_count = s.IntegerField()
    hidden_files = s.IntegerField(help_text="paths of the commit that the slice does not cover")


class DiffHunk(Shape):
    old_start = s.IntegerField()
    old_count = s.IntegerField()
    new_start = s.IntegerField()
    new_count = s.IntegerField()
    lines = s.ListField(child=s.CharField())


class FileDiff(ChangedFile):
    binary = s.BooleanField()
    too_large = s.BooleanField()
    additions = s.IntegerField()
    deletions = s.IntegerField()
    hunks = DiffHunk(many=True)


class CommitDiff(Shape):
    commit = s.CharField()
    files = FileDiff(many=True)


class Diff(Shape):
    to = s.CharField()
    files = FileDiff(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": s.CharField(), **super().get_fields()}


class FoundLine(Shape):
    number = s.IntegerField()
    text = s.CharField(help_text="long lines are cut to the surroundings of their first match")
    marks = s.ListField(
        child=s.ListField(child=s.IntegerField()), help_text="characters that match: from, and up to"
    )
    cut = s.BooleanField()
    matches = s.BooleanField(help_text="false for lines around")


class FoundFile(Shape):
    path = s.CharField()
    slice = s.CharField(help_text="one through which the caller sees the path")
    more = s.BooleanField(required=False, help_text="the file has more lines that match")
    lines = FoundLine(many=True, required=False, help_text="not where paths are searched")


class FoundPage(Shape):
    items = FoundFile(many=True)
    next_cursor = s.CharField(allow_null=True)
    stopped_at = s.CharField(
        required=False,
        allow_null=True,
        help_text="up to this path was searched when the time was up; go on at next_cursor",
    )
