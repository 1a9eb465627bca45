"""The case file: one site's entries as a page to be read, printed, and checked."""
