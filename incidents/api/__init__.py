"""The API: the desk over HTTP. It reads requests, asks the desk or a view and renders the answer."""
