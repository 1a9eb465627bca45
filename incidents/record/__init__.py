"""The record: entries written and read back, with people's text sealed, and files."""
