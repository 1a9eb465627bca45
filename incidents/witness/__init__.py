"""The witness: it countersigns a log's checkpoint if it is consistent with all earlier ones.

The witness runs on another machine under a different key, independent of the desk. Whoever holds
the log's key can rewrite the log, but the witness does not countersign a rewrite of a tree that it
has seen.
"""
