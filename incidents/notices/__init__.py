"""The notices: what is written to the customer and to the desk, in what words, by which way."""
