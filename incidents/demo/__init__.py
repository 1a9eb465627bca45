"""The demonstration: a month of sample data, a fast clock, a desk in a browser, and a panel."""
