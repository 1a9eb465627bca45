"""The time that a report names: when the violation was seen, in the many ways of writing times."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from incidents.inbox.mail import EARLIEST, read_date

_DATE = (
    r"(?P<year>\d{4})\s?[-/.年]\s?(?P<month>\d{1,2})\s?[-/.月]\s?(?P<day>\d{1,2})"
    r"(?:\s?[日号])?(?:\s?[(（]?(?:星期|周)[一二三四五六日天][)）]?|,|\s+at\b)?"
)
_TIME = (
    r"(?P<half>凌晨|早上|上午|中午|下午|晚上)?\s?(?P<hour>\d{1,2})\s?"
    r"(?:[:：](?P<minute>\d{2})(?:[:：]?(?P<second>\d{2})(?:[.,]\d+)?)?"
    r"|[时時点點](?:\s?(?P<minute_>\d{1,2})\s?分?(?:\s?(?P<second_>\d{1,2})\s?秒)?)?)"
    r"(?:\s?(?P<noon>[ap])\.?m\b\.?|\s?Uhr\b)?"
)
_ZONES = {
    "JST": 9, "KST": 9, "HKT": 8, "SGT": 8, "MSK": 3, "МСК": 3, "CET": 1, "CEST": 2, "MEZ": 1,
    "MESZ": 2, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    # A date with the year first is written in China; in America the year comes last.
    "CST": 8,
}  # fmt: skip
"""The zones that are known by a name, with their distance from UTC in hours."""
_ZONE = (
    rf"(?P<zone>Z\b|[(（]?(?:{'|'.join(_ZONES)})(?![a-z])|[+-]\d{{2}}:?\d{{2}}"
    r"|\(?(?:UTC|GMT)(?:\s*[+-]\d{1,2}(?::?\d{2})?)?\)?)"
)
_ISO = re.compile(rf"{_DATE}(?:[T\s]*{_TIME})?\s*{_ZONE}?", re.IGNORECASE)
_IN_PROSE = re.compile(rf"(?<![\d.\-/]){_DATE}(?:T|\s{{0,3}}){_TIME}\s?{_ZONE}?", re.IGNORECASE)
_NUMBER = re.compile(r"\d{10}(?:\d{3})?")
_MAIL_DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?\d{1,2}[\s-]+[A-Z][a-z]{2}[a-z]*[\s-]+\d{4}"
    r",?\s+(?:at\s+)?\d{1,2}:\d{2}(?::\d{2})?(?:\s*(?:[+-]\d{4}|[A-Z]{2,4}\b))?"
)
_OF_LOGS = re.compile(
    r"(?P<day>\d{1,2})/(?P<month>[A-Z][a-z]{2})/(?P<year>\d{4}):(?P<time>\d{2}:\d{2}:\d{2})"
    r"(?P<zone>\s*[+-]\d{4})?"
)
_AMERICAN = re.compile(
    r"(?P<month>[A-Z][a-z]{2})[a-z]*\.?\s+(?P<day>\d{1,2}),?\s+(?:at\s+)?(?:(?P<before>\d{4}),?\s+)?"
    r"(?:at\s+)?(?P<time>\d{1,2}:\d{2}(?::\d{2})?)\s*(?P<noon>[AaPp]\.?[Mm]\b\.?)?"
    r"\s*\(?(?P<zone>[+-]\d{4}|[A-Z]{3,4}\b)?"
    r"\s*(?P<after>\d{4})?"
)
_DAY_FIRST = re.compile(
    r"(?<![\d./])(?P<day>\d{1,2})(?P<sign>[./])(?P<month>\d{1,2})(?P=sign)(?P<year>\d{4}),?"
    rf"(?:\s+(?:at|um|à|a las|в))?(?P<rest>\s+{_TIME}\s?{_ZONE}?)",
    re.IGNORECASE,
)
_YEAR_FIRST = re.compile(
    r"\b(?P<year>\d{4})\s+(?P<month>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+(?P<time>\d{2}:\d{2}:\d{2})"
)
_PATTERNS = (_IN_PROSE, _MAIL_DATE, _OF_LOGS, _AMERICAN, _YEAR_FIRST, _DAY_FIRST)
_LABELS = (
    "first seen", "first detected", "first observed", "firstseen", "detected", "detected on",
    "detection time", "detection date", "date of detection", "discovered", "discovery time",
    "observed", "initial infringement timestamp", "infringement timestamp", "time of incident",
    "incident time", "incident date", "time", "timestamp", "date",
    "date added", "date added (utc)", "dateadded", "seen", "date/time", "date (utc)", "time (utc)",
    "timestamp (utc)", "first seen (utc)", "reported at", "report date", "last seen",
    "last seen (utc)", "首次发现时间", "首次发现", "发现时间", "检测时间", "监测时间", "发现日期",
    "时间", "日期", "最近发现时间",
)  # fmt: skip
_LINE = re.compile(
    r"^[ \t\xa0\u3000>*•-]*(?:[(（]?(?:[一二三四五六七八九十]{1,3}|\d{1,2})[)）、.．]\s*)?"
    r"(?P<label>[A-Za-z\u4e00-\u9fff][^:：\n]{0,40}?)\s*[:：]\s*(?P<value>\S.{4,80})$",
    re.MULTILINE,
)
_HEADER = re.compile(
    r"^[\s>|*]*(?P<label>From|Sent|Date|To|Cc|Subject|Reply-To|发件人|发送时间|发送日期|日期|时间"
    r"|收件人|抄送|主题|寄件者|寄件日期|收件者|主旨)\s?\*?\s?[:：]", re.IGNORECASE,
)  # fmt: skip
_OF_TIMES = {"date", "sent", "发送时间", "发送日期", "日期", "时间", "寄件日期"}
_WROTE = re.compile(r"(?:\bwrote|写道|寫道|a écrit|schrieb)\s?[:：]\s*$", re.IGNORECASE)
_STATED_ZONE = re.compile(
    r"\b(?:(?:times?(?: ?stamps?| ?zones?)?|dates?|logs?|seen|detected|TZ)\b"
    r"[^\n:\d]{0,20}[(:=\s](?:UTC|GMT)|(?:time ?zone|TZ)(?: is)?\s?[:=]?)"
    r"\s?(?P<offset>[+-]\d{1,2}(?::?\d{2})?)?(?![\w:+-]| \d{4})"
    r"|时区\s?[:：为是]?\s?(?:UTC|GMT)?\s?(?P<offset_>[+-]\d{1,2}(?::?\d{2})?)",
    re.IGNORECASE,
)
_OTHER = re.compile(
    r"creat|regist|expir|renew|updated|changed|注册|到期|过期|更新|创建|备案", re.IGNORECASE
)
"""Words before a time that is not that of a violation, such as those of WHOIS."""
_YEAR = re.compile(r"(?:19|20)\d\d")
CHINA = timezone(timedelta(hours=8))
"""The zone of times that are written in China and name none."""
_CHINAS = re.compile(r"[(（]?\s*(?:北京时间|中国标准时间)\s*[)）]?")
_MOST = 200_000
"""The maximum characters of a text that are searched."""


def read(given: object, zone: tzinfo = UTC) -> tuple[datetime, bool] | None:
    """Read a time; return it in UTC, and whether it names its zone. Without one it is in `zone`.

    None for text that is no time.
    """
    text = str(given).strip()
    if _CHINAS.search(text):
        found = read(_CHINAS.sub(" ", text).strip(" ,，:："), CHINA)
        return None if found is None else (found[0], True)
    found = _iso(_year_first(text), zone) or _unix(text) or _of_mail(text, zone)
    return None if found is None or found[0] < EARLIEST else found


def zone_in(text: str) -> tzinfo | None:
    """The zone of which a text says that its times are in it; None if it names none."""
    if not any(each in text for each in ("UTC", "GMT", "zone", "TZ", "时区")):
        return None
    for match in _STATED_ZONE.finditer(text[:_MOST]):
        if "UTC" in match[0].upper() or "GMT" in match[0].upper() or match["offset"]:
            return _zone(match["offset"] or match["offset_"] or "UTC")
    return None


def in_text(
    text: str, zone: tzinfo = UTC, last: datetime | None = None
) -> tuple[datetime, bool] | None:
    """Find the time that a line of the text states under a known label, as `read` returns it.

    A time after `last` (UTC) is none, nor is the date of a mail that the text quotes.
    """
    found: dict[str, str] = {}
    for match in _LINE.finditer(_parted(text)[0]):
        found.setdefault(" ".join(match["label"].lower().split()), match["value"])
    for label in _LABELS:
        is_utc = "utc" in label
        time = read(found[label], UTC if is_utc else zone) if label in found else None
        if time is not None and _is_until(time[0], last):
            return time[0], time[1] or is_utc
    return None


def mentioned(text: str, zone: tzinfo = UTC, last: datetime | None = None) -> datetime | None:
    """Guess the time (UTC) from those in the sentences and the log lines of a text.

    That is the first time of its log lines, or else the first one that it mentions, or else the
    date of a mail that it quotes; none after `last`.
    """
    own, quoted = _parted(text)
    for part in (own, quoted):
        found = [each for each in _times(part, zone) if _is_until(each[0], last)]
        of_logs = [time for time, is_of_log in found if is_of_log]
        if found:
            return min(of_logs) if of_logs else found[0][0]
    return None


def on_line(line: str, zone: tzinfo = UTC, last: datetime | None = None) -> datetime | None:
    """The first time (UTC) on a line of a text; None if it has none, or none until `last`."""
    found = (time for time, _ in _times(line.partition("\n")[0], zone) if _is_until(time, last))
    return next(found, None)


def _is_until(time: datetime, last: datetime | None) -> bool:
    return last is None or time <= last


@lru_cache(1)  # A text is searched for what it states, and then for what it mentions.
def _parted(text: str) -> tuple[str, str]:
    """The text without the header fields of mails that it quotes, and those that have a date."""
    kept: list[str] = []
    dates: list[str] = []
    block: list[tuple[str, str]] = []
    for line in [*text[:_MOST].split("\n"), ""]:
        match = _HEADER.match(line) if ":" in line or "：" in line else None
        if match is not None:
            block.append((match["label"].lower(), line))
            continue
        if {label for label, _ in block} - _OF_TIMES and len(block) > 1:
            dates += [each for label, each in block if label in _OF_TIMES]
        else:
            kept += [each for _, each in block]
        block = []
        if _WROTE.search(line):
            dates.append(line)
        else:
            kept.append(line)
    return "\n".join(kept), "\n".join(dates)


def _times(text: str, zone: tzinfo) -> Iterator[tuple[datetime, bool]]:
    """The times in the text, in order, each with whether it is that of a line of a log."""
    for line in text.split("\n"):
        if not _YEAR.search(line[:2_000]):
            continue
        here: list[tuple[int, datetime]] = []
        for pattern in _PATTERNS if ".20" in line or "/20" in line else _PATTERNS[:-1]:
            for match in pattern.finditer(line[:2_000]):
                before = line[max(0, match.start() - 40) : match.start()]
                is_chinas = _CHINAS.search(line[max(0, match.start() - 8) : match.end() + 8])
                time = read(match[0], CHINA if is_chinas else zone)
                if time is not None and not _OTHER.search(before):
                    here.append((match.start(), time[0]))
        is_log = bool(here) and (
            min(here)[0] <= len(line) - len(line.lstrip("> \t*[<0123456789")) + 1
            or _OF_LOGS.search(line) is not None
        )
        for _, time_ in sorted(here):
            yield time_, is_log


def _year_first(text: str) -> str:
    """A date as it is written in Europe (`28.11.2026 10:00`) or America with the year first.

    One that might be either (`03/04/2026`) is returned unchanged.
    """
    found = _DAY_FIRST.match(text)
    if found is None:
        return text
    day, month = int(found["day"]), int(found["month"])
    if found["sign"] == "/" and (month > 12 or (found["noon"] and day <= 12)):
        day, month = month, day
    elif found["sign"] == "/" and day <= 12:
        return text
    return f"{found['year']}-{month}-{day} {found['rest']}"


def _iso(text: str, other: tzinfo) -> tuple[datetime, bool] | None:
    match = _ISO.match(text)
    if match is None or (match["hour"] is None and len(text) > match.end() + 1):
        return None
    hour = int(match["hour"] or 0)
    noon = (match["noon"] or "").lower()
    if (match["half"] in ("下午", "晚上") or noon == "p") and hour < 12:
        hour += 12
    elif noon == "a" and hour == 12:
        hour = 0
    minute = int(match["minute"] or match["minute_"] or 0)
    second = int(match["second"] or match["second_"] or 0)
    zone = _zone(match["zone"])
    if "年" in match[0] and other is UTC:
        # Who writes a date so reads a clock in China, whatever a program made of its mail.
        other = CHINA
    try:
        date = int(match["year"]), int(match["month"]), int(match["day"])
        found = datetime(*date, hour, minute, second, tzinfo=zone or other).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return found, zone is not None


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    plain = text.upper().strip("()（").replace("UTC", "").replace("GMT", "").strip()
    if plain in ("", "Z"):
        return UTC
    if plain in _ZONES:
        return timezone(timedelta(hours=_ZONES[plain]))
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
    found = _YEAR_FIRST.search(text)
    if found is not None:
        return f"{found['day']} {found['month']} {found['year']} {found['time']}"
    found = _AMERICAN.search(text)
    if found is not None and (found["before"] or found["after"]):
        year = found["before"] or found["after"]
        time = _of_whole_day(found["time"], found["noon"])
        return f"{found['day']} {found['month']} {year} {time} {found['zone'] or ''}"
    return text


def _of_whole_day(time: str, noon: str | None) -> str:
    """The time of a clock with twelve hours, as one with 24 shows it."""
    if noon is None:
        return time
    hour, _, rest = time.partition(":")
    return f"{int(hour) % 12 + (12 if noon[0] in 'Pp' else 0)}:{rest}"


def _of_mail(text: str, other: tzinfo) -> tuple[datetime, bool] | None:
    match = _MAIL_DATE.search(text) or _MAIL_DATE.search(_as_in_mail(text))
    if match is None:
        return None
    written, name = match[0].replace(" at ", " "), match[0].rpartition(" ")[2]
    if name in _ZONES and name != "CST":
        written = f"{written.removesuffix(name)}{_ZONES[name]:+03d}00"
    time = read_date(written)
    if time is None:
        return None
    if re.search(r"(?:[+-]\d{4}|[A-Z]{2,4})$", match[0]):
        return time, True
    return time.replace(tzinfo=other).astimezone(UTC), False
