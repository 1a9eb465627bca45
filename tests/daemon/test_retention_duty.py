"""The retention's duty: once a day, where it was asked for; what goes wrong stops nothing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time

from incidents import settings
from incidents.audit.entry import decode
from incidents.bootstrap import House
from incidents.daemon.retention_duty import Retention
from incidents.desk import Envelope
from incidents.errors import DatabaseError
from incidents.machine import commands as c

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
LATER = START + timedelta(days=184, seconds=1)


@pytest.fixture
def house(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A site with a voided incident, recorded at ten on 2026-03-01."""
    monkeypatch.setenv("INCIDENTS_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    (tmp_path / "config.toml").touch()
    house = House(settings.load(db=db_url))
    with freeze_time(START):
        house.desk.submit([
            Envelope(site="a.example", command=command)
            for command in (
                c.AddSite(by="li"), c.Log(by="li", note="from the hotline"),
                c.VoidIncident(by="li", incident=1, reason="none"),
            )
        ])  # fmt: skip
    yield house
    house.close()


def _ask(folder: Path, keep: str = "184d") -> None:
    (folder / "config.toml").write_text(f'[retention]\nkeep = "{keep}"\n', encoding="utf-8")


def _left(house: House) -> int:
    with house.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM sealed").scalar_one())


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_nothing_goes_that_was_not_asked_for(house: House) -> None:
    with freeze_time(LATER):
        Retention(house).run()
    assert _left(house) == 2


def test_what_nobody_has_asked_for_is_not_looked_at_nor_complained_of(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("the disk fails")

    monkeypatch.setattr("incidents.desk.ageing.erase", fail)
    Retention(house).run()
    assert _lines(capsys) == []


def test_what_was_asked_for_goes_in_the_clock_s_name(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _ask(tmp_path)
    with freeze_time(LATER):
        Retention(house).run()
        Retention(house).run()
    assert _left(house) == 0
    with house.reading() as connection:
        [body] = connection.exec_driver_sql("SELECT body FROM entries WHERE site_id = 0").scalars()
    header, event = decode(body)
    assert (header.login, event.by) == (None, "clock")
    [line] = _lines(capsys)
    assert (line["event"], line["count"]) == ("what was kept long enough is erased", 2)


def test_it_is_done_once_a_day_also_after_the_clock_was_set_back(
    house: House, tmp_path: Path
) -> None:
    _ask(tmp_path)
    duty = Retention(house)
    with freeze_time(LATER - timedelta(hours=1)):
        duty.run()
    with freeze_time(LATER + timedelta(hours=22)):
        duty.run()
    assert _left(house) == 2
    with freeze_time(LATER - timedelta(hours=2)):
        duty.run()
    with freeze_time(LATER + timedelta(hours=23)):
        duty.run()
    assert _left(house) == 0


def test_a_setting_that_the_law_forbids_is_told_and_tried_again_when_it_is_mended(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    duty = Retention(house)
    _ask(tmp_path, "30d")
    with freeze_time(LATER):
        duty.run()
        assert _left(house) == 2
        [line] = _lines(capsys)
        assert (line["level"], line["error"]) == ("warning", "RetentionTooShortError")
        assert 'write "184d", or a longer time' in line["reason"]
        _ask(tmp_path)
        duty.run()
    assert _left(house) == 0
