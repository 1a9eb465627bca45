"""Reports as senders write them, in all formats and charsets, and what must be read out of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from incidents.inbox import readers
from incidents.inbox.source import Source
from incidents.values.report_formats import FORMATS

FOLDER = Path(__file__).parent / "reports"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text("utf-8"))


def test_each_sample_has_its_expectation_and_each_format_a_sample() -> None:
    assert {each.name for each in FOLDER.iterdir()} - {"expected.json"} == set(EXPECTED)
    assert {each["format"] for each in EXPECTED.values()} >= set(FORMATS)
    assert len(EXPECTED) >= 60


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_report_is_read(name: str) -> None:
    expected = EXPECTED[name]
    found = readers.read(Source((FOLDER / name).read_bytes(), name)).document()
    assert {key: found[key] for key in expected} == expected
