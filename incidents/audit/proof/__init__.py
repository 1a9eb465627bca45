"""The proof that a log, in a database or in a bundle, matches its signatures."""
