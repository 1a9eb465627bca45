"""The record: how entries are written and read back, and how people's own words are sealed."""
