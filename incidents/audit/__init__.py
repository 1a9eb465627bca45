"""The audit of the record: entries read back, exported and replayed."""
