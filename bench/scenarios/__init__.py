"""The scenarios, one module each; their names in the order in which they are run."""

NAMES = (
    "log_one", "log_batch", "fire", "daemon", "lateness", "idle", "old_site", "export", "memory",
    "start", "published", "with_log", "numbering", "verify", "deliver", "serve_log", "serve_queue",
    "serve_changes", "per_core", "filing_import", "intake", "serve_reports", "bodies",
    "console",
)  # fmt: skip

COMPARED = (
    "log_one", "log_batch", "fire", "idle", "old_site", "export", "start", "numbering", "deliver",
)  # fmt: skip
"""What two commits are compared by, where nothing else is asked for."""
