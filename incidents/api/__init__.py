"""The API: the desk over HTTP; it parses requests, asks the desk or a view, and renders responses."""
