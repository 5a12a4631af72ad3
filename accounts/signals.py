from django.dispatch import Signal

# Sent inside the transaction that creates an organization: `organization`, `owner`.
organization_created = Signal()

# Sent inside the transaction that ends a membership: `organization`, `user`.
member_removed = Signal()
