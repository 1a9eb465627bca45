"""The API: the desk over HTTP. It parses, asks the desk or a view, and renders."""
