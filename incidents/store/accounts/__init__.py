"""Accounts: their passwords, factors, sign-ins, invitations and saved views."""
