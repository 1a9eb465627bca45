"""The phrases: times, durations and numbers of times as the notices say them in each language."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from incidents.words import When

_ZONES = {"zh_CN": {"Asia/Shanghai": "北京时间"}, "en": {"Asia/Shanghai": "Beijing time"}}
_UNITS = {
    "zh_CN": ("天", "小时", "分钟", "秒"),
    "en": ("day", "hour", "minute", "second"),
}
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60


def time(moment: datetime, zone: tzinfo, language: str) -> str:
    """A moment by the clocks of `zone`, with the zone's name behind it."""
    when = When(zone=zone, now=moment)
    name = _ZONES[language].get(when.zone_name, when.zone_name)
    return f"{when(moment)}（{name}）" if language == "zh_CN" else f"{when(moment)} ({name})"


def _parts(length: timedelta) -> list[int]:
    """Days, hours, minutes, seconds; up to two days everybody counts in hours: 24 hours, 36."""
    seconds = round(length.total_seconds())
    days = 0 if seconds < 2 * _DAY_S else seconds // _DAY_S
    seconds -= days * _DAY_S
    return [
        days, seconds // _HOUR_S, seconds % _HOUR_S // _MINUTE_S, seconds % _MINUTE_S,
    ]  # fmt: skip


def _duration_zh(length: timedelta) -> str:
    units = zip(_parts(length), _UNITS["zh_CN"], strict=True)
    return "".join(f"{n}{unit}" for n, unit in units if n) or "0秒"


def _duration_en(length: timedelta) -> str:
    units = zip(_parts(length), _UNITS["en"], strict=True)
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in units if n) or "0 seconds"


def _times_zh(number: int) -> str:
    return f"{number} 次"


def _times_en(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


DURATIONS: dict[str, Callable[[timedelta], str]] = {"zh_CN": _duration_zh, "en": _duration_en}
"""How long something lasts: 12小时, 1小时30分钟; 12 hours, 1 hour 30 minutes."""

TIMES: dict[str, Callable[[int], str]] = {"zh_CN": _times_zh, "en": _times_en}
"""How often something happened: 3 次; once, twice, 3 times."""
