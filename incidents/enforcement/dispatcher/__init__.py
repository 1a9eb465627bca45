"""The dispatcher: takes orders in hand, has them carried out, and records the outcomes."""
