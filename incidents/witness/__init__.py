"""The witness: it countersigns a log's checkpoints, if they are consistent with all it has seen.

It runs on another machine under another key, and needs nothing of the desk. The holder of the
log's key can rewrite the log, but the witness does not countersign a rewrite of what it has seen.
"""
