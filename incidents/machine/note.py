"""The note: what somebody wrote about an incident, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What was written, as a reference to a sealed value; `audience` is one of AUDIENCES.

    `recorded_at` is in UTC.
    """

    audience: str
    text: str
    recorded_at: datetime
    by: str
