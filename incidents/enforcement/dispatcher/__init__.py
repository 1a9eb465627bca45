"""The dispatcher: takes orders, has them carried out, and records the outcomes."""
