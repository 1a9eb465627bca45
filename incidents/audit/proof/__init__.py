"""The proof: that a log, in a database or in a bundle, is what was signed."""
