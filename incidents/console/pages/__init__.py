"""The pages of the console: one module for each, with a router."""
