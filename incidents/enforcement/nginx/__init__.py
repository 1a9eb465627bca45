"""nginx: what is down is told to an nginx of the hosting provider's, by a map that it includes."""
