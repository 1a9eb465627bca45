"""The type of JSON objects whose keys have no declared types."""

from typing import Any

JSONObject = dict[str, Any]
"""JSON outside `contract.documents`: parts of OpenAPI, request bodies, unparsed responses."""
