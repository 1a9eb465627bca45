"""The queue: its rows, its filter and place, and the pane of one item."""
