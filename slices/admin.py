from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.api.access import signed_in
from gitslice.common.admin import Admin, History, ReadOnly, for_each, hexed
from slices.models import (
    Commit,
    CoverageCount,
    CoverageState,
    Definition,
    GlobalCommit,
    GlobalState,
    GlobalTag,
    MergedCommit,
    PathHead,
    PathVersion,
    SearchState,
    SearchText,
    Slice,
    SliceLog,
    SlicePrefix,
    SliceRole,
    TreeNode,
)
from slices.services import SliceEdit, edit_slice
from slices.tasks import merge_global_state


@admin.register(Slice)
class SliceAdmin(ReadOnly, Admin):
    list_display = ["name", "organization", "visibility", "locked", "required_approvals", "created_at"]
    list_filter = ["locked", "visibility", "organization"]
    list_select_related = ["organization"]
    search_fields = ["name", "description"]
    ordering = ["organization_id", "name"]
    actions = ["lock", "unlock"]

    @admin.action(description="Lock: nothing lands")
    def lock(self, request: HttpRequest, slices: QuerySet[Slice]) -> None:
        self._set_locked(request, slices, True)

    @admin.action(description="Unlock")
    def unlock(self, request: HttpRequest, slices: QuerySet[Slice]) -> None:
        self._set_locked(request, slices, False)

    def _set_locked(self, request: HttpRequest, slices: QuerySet[Slice], locked: bool) -> None:
        """Staff who maintain the slice may, as everywhere else."""
        actor, edit = signed_in(request.user), SliceEdit(locked=locked)
        for_each(
            self,
            request,
            slices.select_related("organization", "definition"),
            lambda slice: edit_slice(actor=actor, slice=slice, edit=edit),
            "locked" if locked else "unlocked",
        )


@admin.register(Definition)
class DefinitionAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["slice", "version", "includes", "excludes", "author", "created_at"]
    list_filter = ["slice__organization"]
    list_select_related = ["slice__organization", "author"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=slice__name"]


@admin.register(SlicePrefix)
class SlicePrefixAdmin(History):
    list_display = ["prefix", "slice"]
    list_filter = ["organization"]
    list_select_related = ["slice__organization"]
    search_fields = ["prefix__startswith"]


@admin.register(SliceRole)
class SliceRoleAdmin(ReadOnly, Admin):
    list_display = ["slice", "user", "team", "role"]
    list_filter = ["role", "slice__organization"]
    list_select_related = ["slice__organization", "user", "team__organization"]
    search_fields = ["=slice__name", "=user__username", "=team__slug"]


@admin.register(Commit)
class CommitAdmin(History):
    list_display = ["hex", "seq", "organization", "slice", "author", "file_count", "landed_at"]
    list_filter = ["organization"]
    list_select_related = ["organization", "slice__organization", "author"]
    readonly_fields = ["hex"]
    search_fields = ["=seq", "=changeset_number"]


@admin.register(PathHead)
class PathHeadAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["path", "organization", "mode", "size", "seq", "hex_digest"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    ordering = ["organization_id", "path"]
    readonly_fields = ["hex_digest"]
    search_fields = ["path__startswith"]
    search_help_text = "The beginning of a path"


@admin.register(PathVersion)
class PathVersionAdmin(History):
    hex_old, hex_new = hexed("old_digest"), hexed("new_digest")
    list_display = ["path", "organization", "seq", "op", "old_mode", "new_mode", "new_size", "renamed_from"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    readonly_fields = ["hex_old", "hex_new"]
    search_fields = ["path__startswith"]
    search_help_text = "The beginning of a path"


@admin.register(SliceLog)
class SliceLogAdmin(History):
    list_display = ["slice", "seq"]
    list_filter = ["slice__organization"]
    list_select_related = ["slice__organization"]
    search_fields = ["=seq"]


@admin.register(GlobalCommit)
class GlobalCommitAdmin(History):
    list_display = ["number", "organization", "hex", "commit_count", "path_count", "author", "merged_at"]
    list_filter = ["organization"]
    list_select_related = ["organization", "author"]
    readonly_fields = ["hex"]
    search_fields = ["=number"]
    ordering = ["organization_id", "-number"]


@admin.register(MergedCommit)
class MergedCommitAdmin(History):
    list_display = ["seq", "organization", "number"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    search_fields = ["=seq", "=number"]


@admin.register(GlobalTag)
class GlobalTagAdmin(ReadOnly, Admin):
    list_display = ["name", "organization", "target", "author", "created_at"]
    list_filter = ["organization"]
    list_select_related = ["organization", "target", "author"]
    search_fields = ["name"]


@admin.register(GlobalState)
class GlobalStateAdmin(ReadOnly, Admin):
    list_display = ["organization", "head", "problem", "problem_at"]
    list_select_related = ["organization", "head"]
    search_fields = ["organization__slug"]
    actions = ["merge_now"]

    @admin.action(description="Merge now")
    def merge_now(self, request: HttpRequest, states: QuerySet[GlobalState]) -> None:
        for state in states:
            merge_global_state.delay(state.pk)
        self.message_user(request, "Queued.", messages.SUCCESS)


@admin.register(TreeNode)
class TreeNodeAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["hex_digest", "organization"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[TreeNode]:
        return super().get_queryset(request).defer("body")


@admin.register(SearchState)
class SearchStateAdmin(ReadOnly, Admin):
    list_display = ["organization", "seq"]
    list_select_related = ["organization"]
    search_fields = ["=organization__slug"]


@admin.register(CoverageState)
class CoverageStateAdmin(ReadOnly, Admin):
    list_display = ["organization", "seq", "counted_at"]
    list_select_related = ["organization"]
    search_fields = ["=organization__slug"]


@admin.register(CoverageCount)
class CoverageCountAdmin(History):
    list_display = ["folder", "organization", "slices", "files", "bytes"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    search_fields = ["=folder"]


@admin.register(SearchText)
class SearchTextAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["path", "organization", "hex_digest"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=path"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SearchText]:
        return super().get_queryset(request).defer("text")
