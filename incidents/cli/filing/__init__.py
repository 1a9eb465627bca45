"""Filings on the command line: the register, changes to it, queries and pages."""
