"""Policies and histories on the command line."""
