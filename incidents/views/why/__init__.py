"""The why: why a site stands as it does, told from the record, and what would change it."""
