"""The statements: written in Core, compiled once, sent together."""
