"""Scenarios: a user's own histories with expected results, run in memory."""
