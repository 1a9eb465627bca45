"""Accounts: who a person or program is, how they prove it, and what they may do."""
