"""The scenarios: a user's own histories and what a policy should make of them, run in memory."""
