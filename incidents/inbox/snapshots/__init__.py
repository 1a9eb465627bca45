"""Snapshots: what is at the web addresses of a report, fetched as a stranger would, and kept.

No fetch decides anything: it moves no state, and no clock.
"""
