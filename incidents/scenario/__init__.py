"""The scenarios: a user's own histories with the results they expect, run in memory."""
