"""The schema: the tables of each noun, and its version."""
