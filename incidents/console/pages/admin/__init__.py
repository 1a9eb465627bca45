"""The pages of administration, and those of one's own account."""
