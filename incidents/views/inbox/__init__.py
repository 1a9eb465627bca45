"""The report inbox as people and programs see it."""
