"""The record on the command line: export, verification, keys, and the log."""
