"""What runs: daemon, serve, database, metrics, alarms, notices."""
