"""The English: the language of the command line, of the API, and of the record's reports."""

from __future__ import annotations

from incidents.locale import event_words, script_words, why_words
from incidents.locale.language import Language
from incidents.machine.policy import write_duration

RULES = {
    "repeat": "R1, repeat",
    "unreachable": "R2, unreachable",
    "unreachable_run": "R3, unreachable run",
    "false_info": "R4, false information",
    "refusal": "R5, refusal",
}
"""The rules as people name them, by the code in the record."""

_TIMES = {
    "unit.d": "{n} d",
    "unit.h": "{n} h",
    "unit.min": "{n} min",
    "unit.s": "{n} s",
    "time.in": "in {span}",
    "time.overdue": "{span} overdue",
    "time.ago": "{span} ago",
    "time.until": "{at} {zone} ({left})",
}

ENGLISH = Language(
    phrases=_TIMES
    | {f"rule.{code}": name for code, name in RULES.items()}
    | event_words.PHRASES
    | why_words.PHRASES
    | script_words.PHRASES,
    duration=write_duration,
    comma=", ",
)
