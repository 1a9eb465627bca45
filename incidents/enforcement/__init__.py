"""Enforcement: adapters carry out orders, one adapter for each kind of live system."""
