"""The audit of the record: its entries read back, exported and replayed."""
