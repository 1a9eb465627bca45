"""The Chinese: the language in which the console tells of the record (简体中文)."""

from __future__ import annotations

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
from incidents.policy_words import chinese_duration

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
    duration=chinese_duration,
    comma="、",
)
