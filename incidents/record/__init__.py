"""The record: how entries are written and read back, people's own words sealed, and files kept."""
