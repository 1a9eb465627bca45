"""The daemon, which enforces deadlines while it runs; each duty has its own module."""
