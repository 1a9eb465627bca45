"""The API: the desk over HTTP. It parses requests, asks the desk or a view, and renders responses."""
