"""Accounts, tokens, passwords and persons' data on the command line."""
