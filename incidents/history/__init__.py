"""Past reports: read from files, simulated under policies, or imported into the record."""
