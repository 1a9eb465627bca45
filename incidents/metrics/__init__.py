"""The metrics for Prometheus: of the clock, the desk, its orders and its log.

Everything but the exposition and its server works without the library that these two need.
"""
