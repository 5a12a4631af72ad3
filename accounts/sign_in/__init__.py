"""Passwords, second factor, sessions: what allauth does, under our rules and into our audit trail."""
