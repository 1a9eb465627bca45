"""The states of an incident, by what they mean for the desk; `machine/state.py` moves them."""

from __future__ import annotations

UNTOLD = ("open", "unreached")
"""The customer has not been told of it."""
UNSETTLED = ("open", "notified", "unreached")
"""The desk still works on it."""
ENDED = ("removed", "refused", "moot", "voided")
"""The desk no longer works on it."""
GONE = ("removed", "voided")
"""What was found is gone, or was no violation."""
