"""The bundle: the record, or a part of it, with all that proves it."""
