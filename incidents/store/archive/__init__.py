"""The archive: files with the old entries, orders and tiles, and the record read across them."""
