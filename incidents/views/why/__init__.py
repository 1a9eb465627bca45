"""The explanation of a site's state, from the record, and what would change it."""
