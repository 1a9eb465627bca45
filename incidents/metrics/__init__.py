"""The metrics: what a Prometheus is told of the clock, the desk, its orders and its log.

Everything but the exposition and its server works without the library that these two need.
"""
