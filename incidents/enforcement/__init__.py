"""Enforcement: what carries orders out, one adapter for each way into the world."""
