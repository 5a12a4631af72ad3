"""The working directory: what it is bound to, what stands in it, and what was changed."""
