"""The contract: each action and each document declared once, for every surface.

The only library it uses is `typing_extensions`.
"""
