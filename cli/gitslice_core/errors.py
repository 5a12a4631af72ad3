"""Every error code of the product, with its HTTP status and the exit code of `gs`: the one table of both sides."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    status: int  # HTTP status; 0 for errors that only the client raises
    exit_code: int
    title: str


CODES: dict[str, Code] = {
    "invalid_request": Code(400, 64, "The request is not valid"),
    "invalid_path": Code(400, 64, "A path is not valid"),
    "invalid_pattern": Code(400, 64, "A pattern is not valid"),
    "invalid_pack": Code(400, 1, "The pack is damaged or not a pack"),
    "unknown_blob": Code(400, 1, "A blob was named that you have not uploaded"),
    "search_too_slow": Code(400, 1, "The search takes too long"),
    "not_text": Code(400, 1, "The file is no text"),
    "other_slice": Code(400, 24, "The changeset belongs to another slice"),
    "outside_slice": Code(400, 11, "A path is outside the slice"),
    "unauthenticated": Code(401, 3, "Sign in first"),
    "sso_required": Code(401, 3, "Sign in through your organization first"),
    "permission_denied": Code(403, 4, "You may not do this"),
    "insufficient_scope": Code(403, 4, "The token lacks a scope"),
    "slice_forbidden": Code(403, 11, "You may not do this in this slice"),
    "quota_exceeded": Code(403, 4, "A quota of the organization is used up"),
    "needs_approval": Code(403, 4, "Approvals are missing"),
    "needs_checks": Code(403, 4, "Checks are missing"),
    "not_found": Code(404, 1, "Not found"),
    "organization_not_found": Code(404, 10, "No such organization"),
    "slice_not_found": Code(404, 10, "No such slice"),
    "changeset_not_found": Code(404, 20, "No such changeset"),
    "commit_not_found": Code(404, 1, "No such commit"),
    "path_not_found": Code(404, 1, "No such path"),
    "conflict_not_found": Code(404, 1, "No such conflict"),
    "unknown_base": Code(404, 22, "The base commit does not exist in this slice"),
    "method_not_allowed": Code(405, 1, "The method is not allowed here"),
    "not_acceptable": Code(406, 1, "No answer in an acceptable format"),
    "name_taken": Code(409, 1, "The name is taken"),
    "last_owner": Code(409, 4, "An organization needs an owner"),
    "already_merged": Code(409, 21, "The changeset is merged already"),
    "changeset_closed": Code(409, 1, "The changeset is closed"),
    "outdated_base": Code(409, 22, "The base is outdated"),
    "stale_patchset": Code(409, 22, "A newer patchset exists"),
    "suggestion_outdated": Code(409, 22, "The suggestion is outdated"),
    "nothing_to_do": Code(409, 1, "There is nothing to do"),
    "merge_running": Code(409, 1, "A batch merge is running"),
    "global_blocked": Code(409, 1, "The global state cannot go on"),
    "merge_conflict": Code(409, 30, "The changeset conflicts with what has landed"),
    "unresolvable": Code(409, 31, "The conflict cannot be resolved this way"),
    "idempotency_mismatch": Code(409, 1, "The idempotency key was used for another request"),
    "redacted": Code(410, 1, "The content was redacted"),
    "payload_too_large": Code(413, 1, "The request is too large"),
    "file_too_large": Code(413, 1, "The file is too large for this"),
    "patchset_too_large": Code(413, 1, "The patchset has too many edits"),
    "unsupported_media_type": Code(415, 1, "The content type is not supported"),
    "slice_locked": Code(423, 12, "The slice is locked"),
    "rate_limited": Code(429, 5, "Too many requests"),
    "internal": Code(500, 1, "The server failed"),
    "server_busy": Code(503, 2, "The server is busy"),
    "network": Code(0, 2, "The server cannot be reached"),
    "not_a_working_directory": Code(0, 23, "Not a working directory"),
    "working_tree_conflict": Code(0, 32, "The working tree has merge conflicts"),
    "usage": Code(0, 64, "Wrong usage"),
    "failed": Code(0, 1, "Failed"),
}
