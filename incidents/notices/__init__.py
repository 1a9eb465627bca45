"""The notices to the customer and to the desk: their words and their channels."""
