"""The witness: it countersigns a log's checkpoints, if they are consistent with all it has seen.

It runs on another machine under another key, and needs nothing of the desk. Who holds the log's
key can rewrite the log; a rewrite that the witness has not seen before, it does not countersign.
"""
