"""Filings on the command line: the register, its changes, queries and pages."""
