"""The database: how it is reached, what its file and server are, and what is wrong with it."""
