"""The explanation of a site: why it is in its state, and what would change that."""
