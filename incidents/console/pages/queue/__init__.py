"""The queue: its rows, the part of it that a page shows, and the pane of one item."""
