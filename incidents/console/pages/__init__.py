"""The pages: one module for each, with a router."""
