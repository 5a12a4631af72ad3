from __future__ import annotations

from django.contrib import admin

from gitslice.common.admin import Admin, History, ReadOnly, hexed
from gitslice.objects.models import Blob, BlobClaim, CommitSample, Damage, Pack, PackRemoval, Redaction


@admin.register(Pack)
class PackAdmin(History):
    hex_digest = hexed("digest")
    list_display = [
        "hex_digest",
        "organization",
        "blob_count",
        "size",
        "uploaded_by",
        "created_at",
        "checked_at",
    ]
    list_filter = ["organization"]
    list_select_related = ["organization", "uploaded_by"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=uploaded_by__username"]


@admin.register(Blob)
class BlobAdmin(History):
    hex_digest, hex_git_id = hexed("digest"), hexed("git_id")
    list_display = ["hex_digest", "organization", "size", "length", "hex_git_id"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    readonly_fields = ["hex_digest", "hex_git_id"]
    search_fields = ["=id"]


@admin.register(BlobClaim)
class BlobClaimAdmin(History):
    list_display = ["blob", "user", "created_at"]
    list_select_related = ["blob", "user"]
    search_fields = ["=user__username"]


@admin.register(PackRemoval)
class PackRemovalAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["hex_digest", "organization", "reason", "due_at"]
    list_filter = ["organization", "reason"]
    list_select_related = ["organization"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=id"]


@admin.register(Redaction)
class RedactionAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["hex_digest", "organization", "reason", "redacted_by", "redacted_at"]
    list_filter = ["organization"]
    list_select_related = ["organization", "redacted_by"]
    readonly_fields = ["hex_digest"]
    search_fields = ["reason"]


@admin.register(Damage)
class DamageAdmin(History):
    list_display = ["subject", "problem", "organization", "found_at", "seen_at", "mended_at"]
    list_filter = ["organization", ("mended_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization"]
    search_fields = ["subject", "problem"]


@admin.register(CommitSample)
class CommitSampleAdmin(ReadOnly, Admin):
    list_display = ["organization", "seq", "sampled_at"]
    list_select_related = ["organization"]
    search_fields = ["=organization__slug"]
