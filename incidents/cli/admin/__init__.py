"""What an administrator keeps: accounts, the policy, the daemon, the database, the service."""
