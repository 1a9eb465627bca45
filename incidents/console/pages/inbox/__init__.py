"""The pages of the report inbox."""
