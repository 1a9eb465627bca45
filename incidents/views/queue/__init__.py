"""The queue: what the desk must do now, and what it is warned of."""
