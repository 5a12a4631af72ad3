from django.dispatch import Signal

# Sent inside the transaction that creates an organization: `organization`, `owner`.
organization_created = Signal()
