"""Enforcement: orders are carried out, with an adapter for each way into the world."""
