"""The figures of the overview: counts by day and hour, contact times, and delays."""
