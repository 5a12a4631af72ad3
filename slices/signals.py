"""Upward notices of slices. Sent after commit."""

from django.dispatch import Signal

# `slice_id`: it has a new definition.
definition_changed = Signal()

# `organization_id`: it has a new global commit.
global_merged = Signal()
