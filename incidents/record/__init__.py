"""The record: entries written and read back, with people's own words sealed, and files."""
