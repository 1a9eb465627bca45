"""The queue at a terminal, as a table or as a full screen."""
