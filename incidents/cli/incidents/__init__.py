"""Incidents on the command line, where an act is more than its row."""
