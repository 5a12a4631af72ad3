from __future__ import annotations

from django.contrib import admin

from changesets.models import (
    Attention,
    Changeset,
    ChangesetCounter,
    Check,
    Comment,
    CommentVersion,
    DraftComment,
    Edit,
    FileView,
    Patchset,
    Review,
    Thread,
)
from gitslice.common.admin import Admin, History, ReadOnly, hexed


@admin.register(ChangesetCounter)
class ChangesetCounterAdmin(ReadOnly, Admin):
    list_display = ["organization", "last"]
    list_select_related = ["organization"]
    search_fields = ["organization__slug"]


@admin.register(Changeset)
class ChangesetAdmin(History):
    list_display = ["__str__", "title", "organization", "slice", "author", "state", "updated_at"]
    list_filter = ["state", "organization"]
    list_select_related = ["organization", "slice__organization", "author"]
    search_fields = ["=number", "title", "=author__username"]


@admin.register(Patchset)
class PatchsetAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["__str__", "author", "origin", "file_count", "created_at"]
    list_filter = ["origin", "changeset__organization"]
    list_select_related = ["changeset", "author"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=changeset__number", "=author__username"]


@admin.register(Edit)
class EditAdmin(History):
    hex_digest, hex_base = hexed("digest"), hexed("base_digest")
    list_display = ["path", "op", "patchset", "organization", "mode", "size"]
    list_filter = ["organization"]
    list_select_related = ["patchset__changeset", "organization"]
    readonly_fields = ["hex_digest", "hex_base"]
    search_fields = ["path__exact"]
    search_help_text = "A whole path"


@admin.register(FileView)
class FileViewAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["path", "changeset", "user", "seen_at"]
    list_filter = ["changeset__organization"]
    list_select_related = ["changeset", "user"]
    readonly_fields = ["hex_digest"]
    search_fields = ["path__exact", "=user__username"]
    search_help_text = "A whole path, or a user name"


@admin.register(Review)
class ReviewAdmin(History):
    list_display = ["changeset", "patchset", "reviewer", "verdict", "created_at"]
    list_filter = ["verdict", "changeset__organization"]
    list_select_related = ["changeset", "patchset__changeset", "reviewer"]
    search_fields = ["=changeset__number", "=reviewer__username"]


@admin.register(Comment)
class CommentAdmin(History):
    list_display = ["changeset", "author", "path", "line", "created_at"]
    list_filter = ["changeset__organization"]
    list_select_related = ["changeset", "author"]
    search_fields = ["=changeset__number", "=author__username", "body"]


@admin.register(Thread)
class ThreadAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["changeset", "path", "side", "line", "resolved_by", "created_at"]
    list_filter = ["changeset__organization"]
    list_select_related = ["changeset", "resolved_by"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=changeset__number", "path__exact"]


@admin.register(CommentVersion)
class CommentVersionAdmin(History):
    list_display = ["comment", "body", "replaced_at"]
    list_select_related = ["comment"]
    search_fields = ["=comment__changeset__number", "body"]


@admin.register(DraftComment)
class DraftCommentAdmin(History):
    """What nobody but the writer sees: that there is a draft, not what it says."""

    list_display = ["id", "changeset", "author", "created_at"]
    list_select_related = ["changeset", "author"]
    search_fields = ["=author__username"]
    exclude = ["body", "path", "side", "start", "line", "quote", "digest", "thread"]


@admin.register(Check)
class CheckAdmin(History):
    list_display = ["patchset", "name", "state", "reporter", "updated_at"]
    list_filter = ["state", "patchset__changeset__organization"]
    list_select_related = ["patchset__changeset", "reporter"]
    search_fields = ["name", "=patchset__changeset__number"]


@admin.register(Attention)
class AttentionAdmin(History):
    list_display = ["changeset", "user", "reason", "since"]
    list_filter = ["reason", "changeset__organization"]
    list_select_related = ["changeset", "user"]
    search_fields = ["=changeset__number", "=user__username"]
