from __future__ import annotations

from django.contrib import admin

from gitslice.common.admin import History, hexed
from gitslice.objects.models import Blob, BlobClaim, Pack


@admin.register(Pack)
class PackAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["hex_digest", "organization", "blob_count", "size", "uploaded_by", "created_at"]
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
