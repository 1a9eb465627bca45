"""Notices to the customer and to the desk: their wording, and the channels that send them."""
