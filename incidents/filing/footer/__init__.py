"""The footer of a page: its required and its actual content."""
