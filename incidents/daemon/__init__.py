"""The daemon: enforces the clock while it runs, with a file for each duty."""
