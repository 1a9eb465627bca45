"""The daemon: enforces the clock for as long as it runs; one file per duty, and the loop."""
