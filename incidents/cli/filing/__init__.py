"""Filings on the command line."""
