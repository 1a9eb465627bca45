"""The queue at a terminal: as a table, and as a screen to work at."""
