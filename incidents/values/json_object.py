"""The JSON object whose keys no type names."""

from typing import Any

JSONObject = dict[str, Any]
"""A part of an OpenAPI document, the body of a request, an answer of a server before it is read.
What this program answers has a type in `contract.documents`."""
