"""The outbound room: every HTTP request that leaves the program, under one guard.

`guard` says where a request may go and connects to what it has checked; `sender` sends it within a
deadline and a cap; `client` tells it what web servers expect. Only these last two need a library.
"""
