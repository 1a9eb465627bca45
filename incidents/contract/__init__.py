"""The contract: each act and each document declared once, for every surface.

Of libraries it knows `typing_extensions` alone.
"""
