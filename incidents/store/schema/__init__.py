"""The schema: the tables of each noun."""
