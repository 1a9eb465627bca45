"""The Chinese: the language in which the console tells of the record (简体中文)."""

from __future__ import annotations

from incidents.console.words import (
    events_zh,
    figures_zh,
    filing_zh,
    findings_zh,
    names_zh,
    refusals_zh,
    script_zh,
    why_zh,
    zh,
)
from incidents.locale.language import Language
from incidents.locale.policy_words import chinese_duration

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


# A detail is called the same wherever it is named: as false, too, and as too long.
_DETAILS = {
    f"{group}.{key}": name
    for key, name in findings_zh.FILED.items()
    for group in ("detail", "field", "text")
} | {"detail.document": "文件"}

# What the pages call a code, the sentences call it too.
CHINESE = Language(
    phrases=zh.TEXTS
    | names_zh.TEXTS
    | figures_zh.TEXTS
    | filing_zh.TEXTS
    | _DETAILS
    | {f"finding.{code}": name for code, name in findings_zh.NAMES.items()}
    | _TIMES
    | events_zh.PHRASES
    | why_zh.PHRASES
    | script_zh.PHRASES
    | refusals_zh.PHRASES,
    duration=chinese_duration,
    comma="、",
)
