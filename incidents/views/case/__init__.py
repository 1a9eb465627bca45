"""The report of a case for people outside: its story, and its words in two languages."""
