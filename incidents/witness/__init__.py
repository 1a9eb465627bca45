"""The witness: it countersigns a log's checkpoints if they are consistent with all earlier ones.

It runs on another machine under another key, independent of the desk. The holder of the log's key
can rewrite the log, but the witness does not countersign a rewrite of a tree that it has seen.
"""
