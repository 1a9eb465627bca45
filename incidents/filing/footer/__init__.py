"""The footer: what the foot of a page must show, and what one does."""
