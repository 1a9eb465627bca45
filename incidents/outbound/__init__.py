"""Outgoing HTTP: every request that leaves the program passes one guard.

`guard` decides where a request may go and connects to the checked address; `client` sends the
request over a `connection`, with a deadline and a limit on the size of the answer. Only `client`
and `connection` need a library.
"""
