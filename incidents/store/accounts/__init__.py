"""Who may come in: accounts, passwords, sessions, tokens, and the log of sign-ins."""
