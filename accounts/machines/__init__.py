"""Service accounts: users of an organization that are no person (docs/tokens.md)."""
