"""The replay: tables and decisions, derived again from the entries."""
