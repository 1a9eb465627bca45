"""The queue: the desk's open work, with its warnings."""
