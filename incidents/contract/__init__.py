"""The contract: each action and each document, declared once for every surface.

The only library that this package uses is `typing_extensions`.
"""
