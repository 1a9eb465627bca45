"""The metrics for Prometheus: of the clock, the desk, its orders and its log.

Only the exposition and the endpoint need the Prometheus library.
"""
