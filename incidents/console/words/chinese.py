"""The Chinese: the language in which the console tells of the record (简体中文)."""

from __future__ import annotations

from datetime import timedelta

from incidents.console.words import (
    events_zh,
    figures_zh,
    names_zh,
    refusals_zh,
    script_zh,
    why_zh,
    zh,
)
from incidents.language import Language

_TIMES = {
    "unit.d": "{n} 天",
    "unit.h": "{n} 小时",
    "unit.min": "{n} 分",
    "unit.s": "{n} 秒",
    "time.in": "还有 {span}",
    "time.overdue": "已超时 {span}",
    "time.ago": "{span}前",
    "time.until": "{at} {zone}（{left}）",
}


def duration(length: timedelta) -> str:
    """A span of time as a policy has it: `24 小时`, `1 小时 30 分`."""
    seconds = int(length.total_seconds())
    parts = ((seconds // 3_600, "小时"), (seconds // 60 % 60, "分"), (seconds % 60, "秒"))
    return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 秒"


# What the pages call a code, the sentences call it too.
CHINESE = Language(
    phrases=zh.TEXTS
    | names_zh.TEXTS
    | figures_zh.TEXTS
    | _TIMES
    | events_zh.PHRASES
    | why_zh.PHRASES
    | script_zh.PHRASES
    | refusals_zh.PHRASES,
    duration=duration,
    comma="、",
)
