"""The transparency log in the store: its leaves, its checkpoints, and where a history began."""
