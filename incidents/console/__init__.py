"""The console: pages in a browser. The customer's own page is the first of them."""
