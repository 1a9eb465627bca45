"""The footer of a page: its required and actual content."""
