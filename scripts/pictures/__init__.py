"""The pictures of the console: of the documentation, and of every page."""
