"""The walk through ASVS 5.0: each requirement of level 1 or 2 stands there once, and is counted."""

from __future__ import annotations

import re
from collections import Counter

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "explanation" / "asvs.md"
STATUSES = ("met", "not met", "n/a")

# How many requirements of level 1 or 2 each section has. Those of level 3 come last in each.
SECTIONS = {
    1: (2, 9, 11, 3, 2), 2: (3, 3, 4, 1), 3: (0, 2, 4, 6, 5, 0, 2), 4: (3, 1, 2, 4),
    5: (1, 3, 2, 3), 6: (3, 12, 4, 4, 5, 3, 0, 4), 7: (3, 4, 2, 5, 2, 2), 8: (2, 3, 1, 1),
    9: (3, 4), 10: (2, 2, 4, 11, 5, 2, 3), 11: (2, 3, 3, 4, 1, 1, 0), 12: (3, 2, 4),
    13: (1, 5, 2, 5), 14: (2, 4, 3), 15: (3, 3, 7, 0), 16: (1, 5, 4, 3, 3), 17: (1, 4, 2),
}  # fmt: skip
WANTED = {
    f"{chapter}.{section}.{n}"
    for chapter, sizes in SECTIONS.items()
    for section, size in enumerate(sizes, 1)
    for n in range(1, size + 1)
}

_ROW = re.compile(r"^\| (\d+\.[^|]+?) \| (met|not met|n/a) \| (.+) \|$", re.MULTILINE)
_SUMMARY = re.compile(
    r"^Of (\d+) requirements (\d+) are met, (\d+) are not met, and (\d+) are n/a\.$", re.MULTILINE
)


def named(cell: str) -> list[str]:
    """The requirements that a cell names; `4.4.1–4.4.4` are four."""
    return [each for part in cell.split(", ") for each in _all(*part.split("–"))]


def _all(first: str, last: str | None = None) -> list[str]:
    if last is None:
        return [first]
    section, _, begin = first.rpartition(".")
    end = last.removeprefix(f"{section}.")
    return [f"{section}.{n}" for n in range(int(begin), int(end) + 1)]


def test_each_requirement_of_level_2_stands_there_once_and_is_counted() -> None:
    page = PAGE.read_text(encoding="utf-8")
    statuses = [(each, status) for cell, status, _ in _ROW.findall(page) for each in named(cell)]
    assert len(WANTED) == 253
    assert sorted(each for each, _ in statuses) == sorted(WANTED)
    counted = Counter(status for _, status in statuses)
    told = (len(WANTED), *(counted[status] for status in STATUSES))
    assert [tuple(map(int, found)) for found in _SUMMARY.findall(page)] == [told]
