"""The console: pages in a browser, for the desk and for its customers."""
