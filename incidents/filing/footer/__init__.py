"""The footer of a page: what it must show, and what it shows."""
