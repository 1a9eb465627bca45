"""The JSON object whose keys have no type."""

from typing import Any

JSONObject = dict[str, Any]
"""JSON outside `contract.documents`: parts of OpenAPI, request bodies, unread answers."""
