"""The outbound room: every HTTP request that leaves the program, under one guard.

`guard` says where a request may go and connects to what it has checked; `client` sends it within a
deadline and a cap, over a `connection`. Only these last two need a library.
"""
