"""Who belongs to an organization: memberships, invitations, teams, deactivation."""
