"""Past reports: read from files, tried on policies, or brought onto the record."""
