"""The header Retry-After: how long a server asks to be left alone (RFC 9110 10.2.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MOST = timedelta(hours=24)
"""A server that asks for more is asked again after that."""


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """What is asked for, in seconds or as a date; None if that is nothing, or no sense.

    A date is compared with `now`, in UTC. A time that is past asks for nothing.
    """
    text = "" if value is None else value.strip()
    if text.isascii() and text.isdigit():
        # A number longer than any that is meant costs time to read, and Python refuses it.
        digits = text.lstrip("0")
        wait = MOST if len(digits) > 9 else timedelta(seconds=int(digits or "0"))
    else:
        wait = _until(text, now)
    return min(wait, MOST) if wait > timedelta() else None


def _until(text: str, now: datetime) -> timedelta:
    try:
        moment = parsedate_to_datetime(text)
        # A date of HTTP is in GMT, whatever is written behind it or not.
        at = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        return at - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return timedelta()
