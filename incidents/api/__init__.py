"""The API: the desk over HTTP. It parses, calls the desk or a view, and renders."""
