"""Notices to the customer and to the desk: their wording and their channels."""
