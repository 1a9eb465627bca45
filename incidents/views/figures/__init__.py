"""The figures: what was done and how much, counted."""
