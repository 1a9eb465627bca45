"""The commands on reports: receive, list and show them, and decide on each."""
