"""The audit: the entries of what was decided, how they are read back, exported and replayed."""
