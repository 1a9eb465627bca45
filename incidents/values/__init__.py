"""The values: what a text, a choice, a time, a name may be, wherever it is asked for."""
