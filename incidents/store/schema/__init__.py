"""The schema: the tables of all modules."""
