"""What an administrator sees of the running system: logs, metrics, traces, profiles (docs/observability.md)."""
