"""The formats of reports that the program reads itself, one reader each (`inbox.readers`)."""

from __future__ import annotations

FORMATS = (
    "arf", "xarf", "shadowserver", "netcraft", "safe_browsing", "spamhaus", "abuse_ch", "csv",
    "json", "mail", "text",
)  # fmt: skip
"""The names of the formats, in the order in which their readers are asked."""
