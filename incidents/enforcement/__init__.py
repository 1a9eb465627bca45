"""Enforcement: orders are carried out by adapters, one for each kind of live system."""
