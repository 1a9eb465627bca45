"""Quiet hours: between two times of the day, in a zone, when a channel is left in peace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quiet:
    """From `begin` on, until `end`, by the clocks of `zone`; over midnight if `end` is earlier."""

    begin: time
    end: time
    zone: tzinfo

    def ends(self, now: datetime) -> datetime | None:
        """When they end (UTC); None if they are not on at `now` (aware)."""
        local = now.astimezone(self.zone)
        shown = local.time().replace(fold=0)
        over_midnight = self.end < self.begin
        evening = shown >= self.begin
        on = (evening or shown < self.end) if over_midnight else (evening and shown < self.end)
        if not on:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and evening else 0)
        # In the night that has an hour twice, the first moment of that name may be past.
        moments = (
            datetime.combine(day, self.end.replace(fold=fold), tzinfo=self.zone) for fold in (0, 1)
        )
        later = [end for end in (moment.astimezone(UTC) for moment in moments) if end > now]
        return min(later, default=now.astimezone(UTC) + timedelta(minutes=1))


def read(text: str, zone: tzinfo) -> Quiet:
    """`23:00-07:00` by the clocks of `zone`.

    Raises:
        ValueError: for anything else, and for hours that never end.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"not hours of the day: {text!r}")
    first, minute, last, end_minute = map(int, found.groups())
    begin, end = time(first, minute), time(last, end_minute)
    if begin == end:
        raise ValueError(f"they would never end: {text!r}")
    return Quiet(begin, end, zone)
