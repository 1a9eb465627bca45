"""The log: entries numbered, signed, witnessed, stamped and published."""
