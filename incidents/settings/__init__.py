"""The settings of the program, read from their sources."""
