"""Outgoing HTTP: every request that leaves the program, under one guard.

`guard` decides where a request may go and connects to the checked address; `client` sends it within
a deadline and a cap, over a `connection`. Only the last two need a library.
"""
