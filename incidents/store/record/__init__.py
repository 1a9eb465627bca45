"""The record's rows: entries, sealed values, the log over them, and the database's lineage."""
