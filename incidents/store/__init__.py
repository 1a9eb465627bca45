"""The store: the tables, and how cases are read from them and written to them."""
