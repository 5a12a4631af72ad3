"""The one upward notice: a changeset changed, so somebody may look for conflicts. Sent after commit."""

from django.dispatch import Signal

# `changeset_id`: it was created, got a patchset, was closed, or its landing was refused for conflicts.
changeset_changed = Signal()

# `organization_id`, `changeset_id`, `paths`: the changeset landed on these paths.
paths_landed = Signal()
