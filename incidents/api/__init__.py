"""The API: the desk over HTTP.

It parses requests, calls the desk or a view, and renders responses.
"""
