"""Webhooks: an organization's events, sent to addresses that its owners and admins name (docs/webhooks.md)."""
