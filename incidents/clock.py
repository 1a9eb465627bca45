"""The clock: the only module that reads the time and formats times. All times are in UTC."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incidents.errors import REFUSED, Cause, InputError

_DATE = r"(?P<date>\d{4}-\d{2}-\d{2})"
_TIME = r"(?P<time>\d{1,2}:\d{2}(?::\d{2})?)(?:[.](?P<fraction>\d{1,18}))?"
_OFFSET = r"(?P<offset>[Zz]|[+-]\d{2}:\d{2})"
_FORMS = re.compile(rf"(?:{_DATE}[Tt ])?{_TIME}\s?{_OFFSET}?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_WITHOUT_ZONE = _EPOCH.replace(tzinfo=None)
_LAST_NIGHT = timedelta(hours=12)
_YEARS = range(1970, 3000)
_YEARS_ALONE = Cause.of("time_year", "write a year from 1970 to 2999")


class FutureError(InputError):
    """{at} is in the future: record only what has happened"""

    exit_status = REFUSED


class NotATimeError(InputError):
    """{detail}"""

    name = "input"


class NoOffsetError(InputError):
    """a time needs its UTC offset here, as in 2026-03-01T02:50:00+08:00 (RFC 3339)"""


def _machine_time() -> datetime:
    return datetime.now(UTC)


# The source of `now`; only `incidents.testing` replaces it.
source: Callable[[], datetime] = _machine_time


@dataclass(frozen=True, slots=True)
class FastClock:
    """A clock that was right at `since` (UTC) and has run `speed` times as fast since."""

    speed: int
    since: datetime

    def at(self, machine: datetime) -> datetime:
        """The time that this clock shows at that time of the machine."""
        return self.since + (machine - self.since) * self.speed

    def machine_time(self, moment: datetime) -> datetime:
        """The time of the machine at which this clock shows `moment`."""
        return self.since + (moment - self.since) / self.speed

    def __str__(self) -> str:
        return f"{self.speed}x since {rfc3339(self.since)}"


# What `now` shows in place of the machine's time. Only in a rehearsal it is not None: the settings
# then set it for the whole process.
fast_clock: FastClock | None = None


def now() -> datetime:
    """Return the time by which the policy acts, in UTC, to the microsecond: the machine's time.

    In a rehearsal it can run faster: see `FastClock`.
    """
    return source() if fast_clock is None else fast_clock.at(source())


def machine_now() -> datetime:
    """Return the machine's time, for what people and machines really wait for, such as sessions."""
    return source()


def machine_time(moment: datetime) -> datetime:
    """Return the machine's time at which `now` returns `moment`."""
    return moment if fast_clock is None else fast_clock.machine_time(moment)


def passing(span: timedelta) -> timedelta:
    """Return how far `now` moves while the machine's time moves by `span`."""
    return span if fast_clock is None else span * fast_clock.speed


MAX_SPEED = 3_600
_FAST_CLOCK = re.compile(r"([1-9]\d{0,3})x since (\S{1,40})", re.ASCII)


def read_fast_clock(text: str) -> FastClock | None:
    """Parse a fast clock such as `60x since 2026-03-01T02:50:00Z`; None for any other text."""
    found = _FAST_CLOCK.fullmatch(text)
    try:
        if found is None or int(found[1]) > MAX_SPEED:
            return None
        return FastClock(int(found[1]), parse_exact(found[2]))
    except InputError:
        return None


# Most times are written more than once: into an entry, an order, and the reason.
@lru_cache(maxsize=1024)
def rfc3339(moment: datetime) -> str:
    """Return `moment` as `2026-03-01T10:00:00Z`, with microseconds only if there are any.

    Raises:
        ValueError: for a time without a zone.
    """
    if moment.tzinfo is not UTC:
        moment = in_utc(moment)
    # A time without a zone is formatted twice as fast, and this is the fastest way to drop it.
    return (_EPOCH_WITHOUT_ZONE + (moment - _EPOCH)).isoformat() + "Z"


def in_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC.

    Raises:
        ValueError: for a time without a zone.
    """
    if moment.utcoffset() is None:
        raise ValueError(f"a time without a zone: {moment.isoformat()}")
    return moment.astimezone(UTC)


def read_rfc3339(text: str) -> datetime:
    """Parse a time written by `rfc3339`, in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


def zone(name: str) -> tzinfo:
    """The time zone with that IANA name.

    Raises:
        InputError: if there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError.coded(
            "unknown_zone",
            "unknown time zone: {given!r} (write a name such as Asia/Shanghai or UTC)",
            given=name,
        ) from error


def parse(text: str, zone: tzinfo, now: datetime) -> datetime:
    """Parse a time typed by a person, in UTC.

    RFC 3339 has its own offset; `2026-03-01 02:50` and `2026-03-01 02:50:30` are in `zone`; a bare
    `02:50` is a time of today in `zone`, or of yesterday if that was less than twelve hours before
    `now`.

    Raises:
        NotATimeError: naming the text, and how to write a time.
        InputError: for a time that no clock shows.
        FutureError: for a year beyond those of this program.
    """
    found = _FORMS.fullmatch(text.strip())
    if found is None or (found["offset"] and not found["date"]):
        raise _not_a_time(text)
    try:
        at = time.fromisoformat(_of_two_digits(found["time"]))
        at = at.replace(microsecond=int((found["fraction"] or "0")[:6].ljust(6, "0")))
        if not found["date"]:
            return _latest(text, at, zone, now)
        day = _day(text, found["date"])
        if not found["offset"]:
            return _in_zone(text, datetime.combine(day, at), zone)
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{found['offset'].upper()}").tzinfo
        return datetime.combine(day, at, tzinfo=offset).astimezone(UTC)
    except InputError:
        raise
    except (ValueError, OverflowError) as error:
        raise _no_such_time(text, _way_out(found)) from error


def parse_exact(text: str) -> datetime:
    """Parse a time written by a program, with its offset (RFC 3339), in UTC.

    Raises:
        NoOffsetError: for a time without an offset, whose zone nobody knows.
        InputError, FutureError: as `parse` does.
    """
    found = _FORMS.fullmatch(text.strip())
    if found is not None and not found["offset"]:
        raise NoOffsetError
    if found is not None and found["time"].index(":") == 1:
        raise _not_a_time(text)
    return parse(text, UTC, _EPOCH)


def _not_a_time(text: str) -> NotATimeError:
    sentence = "not a time: {given!r} (write 02:50, 2026-03-01 02:50 or 2026-03-01T02:50:00+08:00)"
    return NotATimeError.coded("not_a_time", sentence, given=text)


def _no_such_time(text: str, way_out: Cause) -> InputError:
    sentence = "no such time: {given!r} ({way_out})"
    return InputError.coded("no_such_time", sentence, given=text, way_out=way_out)


def _way_out(found: re.Match[str]) -> Cause:
    """The correction for an impossible part of a time, without Python's own wording."""
    for part, typed in zip(("hours", "minutes", "seconds"), found["time"].split(":"), strict=False):
        most = 23 if part == "hours" else 59
        if int(typed) > most:
            return Cause.of(f"time_{part}", "write {part} from 00 to {most}", part=part, most=most)
    year, month, day = map(int, (found["date"] or "1970-01-01").split("-"))
    if year not in _YEARS:
        return _YEARS_ALONE
    if not 1 <= month <= 12:
        return Cause.of("time_months", "write months from 01 to 12")
    last = calendar.monthrange(year, month)[1]
    if not 1 <= day <= last:
        days = "{year}-{month:02} has the days 01 to {last}"
        return Cause.of("time_days", days, year=year, month=month, last=last)
    return Cause.of("time_offset", "write an offset from -23:59 to +23:59")


def _of_two_digits(typed: str) -> str:
    """The time with its hour in two digits, because people also type 9:40."""
    hour, colon, rest = typed.partition(":")
    return f"{hour:0>2}{colon}{rest}"


def _day(text: str, typed: str) -> date:
    """The day, in a year whose times and later deadlines can be shown in every zone."""
    day = date.fromisoformat(typed)
    if day.year >= _YEARS.stop:
        raise FutureError(at=text.strip())
    if day.year < _YEARS.start:
        raise _no_such_time(text, _YEARS_ALONE)
    return day


def _latest(text: str, at: time, zone: tzinfo, now: datetime) -> datetime:
    today = now.astimezone(zone).date()
    moment = _in_zone(text, datetime.combine(today, at), zone)
    if moment <= now:
        return moment
    yesterday = _in_zone(text, datetime.combine(today - timedelta(days=1), at), zone)
    # Further back it is more likely a slip: then it is today's, which is refused as future.
    return yesterday if now - yesterday <= _LAST_NIGHT else moment


def _in_zone(text: str, local: datetime, zone: tzinfo) -> datetime:
    """Return the only moment at which clocks in `zone` show `local`."""
    first = local.replace(tzinfo=zone, fold=0)
    second = local.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return first.astimezone(UTC)
    # Around a change of the clocks a time occurs twice, or never.
    shown = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    code, what = ("twice", "happens twice") if shown == local else ("skipped", "does not exist")
    raise InputError.coded(
        f"time_{code}",
        f"{{given!r}} {what} in {{zone}}: write it with its offset, as in"
        " 2026-03-01T02:50:00+08:00",
        given=text, zone=str(zone),
    )  # fmt: skip
