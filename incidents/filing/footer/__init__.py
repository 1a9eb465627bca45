"""The footer of a page: what it must contain, and what it contains."""
