"""A time as typed by a person: `02:50`, `10m ago`, `yesterday 17:00`, or a day for a limit."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from typing import Literal

from incidents import clock
from incidents.errors import InputError
from incidents.values.half_width import half_width

Limit = Literal["since", "until"]

_UNITS = {
    "d": "days", "day": "days", "days": "days", "天": "days",
    "h": "hours", "hour": "hours", "hours": "hours", "小时": "hours",
    "m": "minutes", "min": "minutes", "minute": "minutes", "minutes": "minutes",
    "分": "minutes", "分钟": "minutes",
    "s": "seconds", "second": "seconds", "seconds": "seconds", "秒": "seconds",
}  # fmt: skip
_DAYS_AGO = {"today": 0, "今天": 0, "yesterday": 1, "昨天": 1}
_SPAN = rf"\d{{1,6}}\s?(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})"
_AGO = re.compile(rf"((?:{_SPAN}\s?)+)(?:ago|前)")
_PARTS = re.compile(r"(\d+)\s?(\D+?)\s?(?=\d|$)")
_DAY = re.compile(rf"({'|'.join(_DAYS_AGO)}|\d{{4}}-\d{{2}}-\d{{2}})(?:\s?(\d.*))?")


def read(text: str, zone: tzinfo, now: datetime, *, limit: Limit | None = None) -> datetime:
    """Read a time, in UTC.

    Accepts the forms of `clock.parse`; a time ago, `10m ago`, `1h30m ago`; a time of `today` or
    `yesterday`; and, for a `limit`, a day alone: `since` means the beginning of the day and `until`
    its end. The same forms in Chinese: `10分钟前`, `昨天 17:00`.

    Raises:
        InputError, FutureError: as `clock.parse` does.
    """
    plain = half_width(text)
    typed = plain.strip().lower()
    if ago := _AGO.fullmatch(typed):
        return _before(text, now, ago[1])
    day = _DAY.fullmatch(typed)
    if day is None or (day[2] is None and limit is None):
        return _parsed(text, plain, zone, now)
    found = day[1]
    if found in _DAYS_AGO:
        found = (now.astimezone(zone) - timedelta(days=_DAYS_AGO[found])).date().isoformat()
    if day[2] is not None:
        return _parsed(text, f"{found} {day[2]}", zone, now)
    begins = _parsed(text, f"{found} 00:00", zone, now)
    if limit == "since":
        return begins
    return _parsed(text, f"{date.fromisoformat(found) + timedelta(days=1)} 00:00", zone, now)


def _before(text: str, now: datetime, spans: str) -> datetime:
    total = timedelta()
    for n, unit in _PARTS.findall(spans):
        total += timedelta(**{_UNITS[unit]: int(n)})
    try:
        return now - total
    except OverflowError as error:
        raise _no_time(text) from error


def _parsed(text: str, written: str, zone: tzinfo, now: datetime) -> datetime:
    try:
        return clock.parse(written, zone, now)
    except clock.NotATimeError as error:
        raise _no_time(text) from error


def _no_time(text: str) -> InputError:
    return InputError.coded(
        "no_typed_time",
        "{given!r} is not a time: write 02:50, yesterday 17:00, 10m ago, 2026-03-01 02:50 or"
        " 2026-03-01T02:50:00+08:00",
        given=text,
    )
