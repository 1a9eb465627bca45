"""The section [inbox] of the settings."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incidents.errors import IncidentsError
from incidents.settings import inbox


@pytest.mark.parametrize(
    ("given", "within"),
    [
        ({}, timedelta(hours=1)),
        ({"triage_within": "20m"}, timedelta(minutes=20)),
        ({"triage_within": ""}, None),
    ],
    ids=["not set", "set", "turned off"],
)
def test_a_report_may_wait_for_triage_as_long_as_the_desk_says(
    given: dict[str, Any], within: timedelta | None
) -> None:
    assert inbox.read(given).triage_within == within


@pytest.mark.parametrize("value", ["1s", "31d", "an hour", 0, False, 60])
def test_another_time_for_triage_is_refused_with_what_it_must_be(value: object) -> None:
    with pytest.raises(IncidentsError, match=r'triage_within.*such as "1h", from 1m to 720h'):
        inbox.read({"triage_within": value})


def test_a_schema_is_read_once_as_long_as_its_file_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "schema.json"
    given = {"shadowserver_schema": str(file)}
    file.write_text('{"scan_a": {}}', encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert inbox.read(given).shadowserver == {"scan_a": {}}
    with monkeypatch.context() as patch:
        patch.setattr(json, "loads", None)
        assert inbox.read(given).shadowserver == {"scan_a": {}}
    file.write_text('{"scan_b": {}}', encoding="utf-8")
    os.utime(file, ns=(2, 2))
    assert inbox.read(given).shadowserver == {"scan_b": {}}
    file.write_text("not JSON", encoding="utf-8")
    with pytest.raises(IncidentsError, match="shadowserver_schema"):
        inbox.read(given)
    file.unlink()
    with pytest.raises(IncidentsError, match="shadowserver_schema"):
        inbox.read(given)
