"""The store: the tables, with the queries that read and write cases."""
