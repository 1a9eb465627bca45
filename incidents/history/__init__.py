"""Past reports: read from files, tried on policies, or imported into the record."""
