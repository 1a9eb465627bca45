"""Administration commands: accounts, the policy, the daemon, the database, the service."""
