"""The recovery: whether the world agrees with the record, also after this has lost its end."""
