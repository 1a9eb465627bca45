"""The time that a report names: when the violation was seen, in the many ways of writing times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from incidents.inbox.mail import EARLIEST, read_date

_ISO = re.compile(
    r"(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?"
    r"(?:[T\s]*(?P<hour>\d{1,2})[:：时](?P<minute>\d{2})分?(?:[:：]?(?P<second>\d{2})(?:秒|[.,]\d+)?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|CST|[+-]\d{2}:?\d{2}|\(?(?:UTC|GMT)\s*[+-]\d{1,2}(?::?\d{2})?\)?)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d{10}(?:\d{3})?")
_MAIL_DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?\d{1,2}\s+[A-Z][a-z]{2}[a-z]*\s+\d{4}"
    r"\s+\d{1,2}:\d{2}(?::\d{2})?(?:\s*(?:[+-]\d{4}|[A-Z]{2,4}))?"
)
_OF_LOGS = re.compile(
    r"(?P<day>\d{1,2})/(?P<month>[A-Z][a-z]{2})/(?P<year>\d{4}):(?P<time>\d{2}:\d{2}:\d{2})"
    r"(?P<zone>\s*[+-]\d{4})?"
)
_AMERICAN = re.compile(
    r"(?P<month>[A-Z][a-z]{2})[a-z]*\.?\s+(?P<day>\d{1,2}),?\s+(?:at\s+)?(?:(?P<before>\d{4}),?\s+)?"
    r"(?P<time>\d{1,2}:\d{2}(?::\d{2})?)\s*(?P<zone>[+-]\d{4}|[A-Z]{3,4})?\s*(?P<after>\d{4})?"
)
_LABELS = (
    "first seen", "first detected", "first observed", "firstseen", "detected", "detected on",
    "detection time", "detection date", "date of detection", "discovered", "discovery time",
    "observed", "time of incident", "incident time", "incident date", "time", "timestamp", "date",
    "date added", "date added (utc)", "dateadded", "seen", "date/time", "date (utc)", "time (utc)",
    "timestamp (utc)", "first seen (utc)", "reported at", "report date", "last seen",
    "last seen (utc)", "首次发现时间", "首次发现", "发现时间", "检测时间", "监测时间", "发现日期",
    "时间", "日期", "最近发现时间",
)  # fmt: skip
_LINE = re.compile(
    r"^[\s>*•-]*(?P<label>[A-Za-z\u4e00-\u9fff][^:：\n]{0,40}?)\s*[:：]\s*(?P<value>\S.{4,80})$",
    re.MULTILINE,
)
_CHINA = timezone(timedelta(hours=8))


def read(given: object, zone: tzinfo = UTC) -> tuple[datetime, bool] | None:
    """Read a time; return it in UTC, and whether it names its zone. Without one it is in `zone`.

    None for text that is no time.
    """
    text = str(given).strip()
    found = _iso(text, zone) or _unix(text) or _of_mail(text, zone)
    return None if found is None or found[0] < EARLIEST else found


def in_text(text: str, zone: tzinfo = UTC) -> tuple[datetime, bool] | None:
    """Find the time that a line of the text states under a known label, as `read` returns it."""
    found: dict[str, str] = {}
    for match in _LINE.finditer(text[:200_000]):
        found.setdefault(" ".join(match["label"].lower().split()), match["value"])
    for label in _LABELS:
        is_utc = "utc" in label
        time = read(found[label], UTC if is_utc else zone) if label in found else None
        if time is not None:
            return time[0], time[1] or is_utc
    return None


def _iso(text: str, other: tzinfo) -> tuple[datetime, bool] | None:
    match = _ISO.match(text)
    if match is None or (match["hour"] is None and len(text) > match.end() + 1):
        return None
    parts = [int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second")]
    zone = _zone(match["zone"])
    try:
        found = datetime(*parts, tzinfo=zone or other).astimezone(UTC)  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError):
        return None
    return found, zone is not None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    plain = text.upper().strip("()").replace("UTC", "").replace("GMT", "").strip()
    if plain in ("", "Z"):
        return UTC
    if plain == "CST":
        # A date with the year first is written in China; in America the year comes last.
        return _CHINA
    sign = -1 if plain[0] == "-" else 1
    digits = plain[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 14 or minutes > 59:
        return None
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def _unix(text: str) -> tuple[datetime, bool] | None:
    if not _NUMBER.fullmatch(text):
        return None
    seconds = int(text[:10])
    return datetime.fromtimestamp(seconds, UTC), True


def _as_in_mail(text: str) -> str:
    """The time of a log or of an American in the order of a mail's date."""
    found = _OF_LOGS.search(text)
    if found is not None:
        zone = (found["zone"] or "").strip()
        return f"{found['day']} {found['month']} {found['year']} {found['time']} {zone}"
    found = _AMERICAN.search(text)
    if found is not None and (found["before"] or found["after"]):
        year = found["before"] or found["after"]
        return f"{found['day']} {found['month']} {year} {found['time']} {found['zone'] or ''}"
    return text


def _of_mail(text: str, other: tzinfo) -> tuple[datetime, bool] | None:
    match = _MAIL_DATE.search(text) or _MAIL_DATE.search(_as_in_mail(text))
    time = None if match is None else read_date(match[0])
    if match is None or time is None:
        return None
    if re.search(r"(?:[+-]\d{4}|[A-Z]{2,4})$", match[0]):
        return time, True
    return time.replace(tzinfo=other).astimezone(UTC), False
