"""The retention's duty: keys once a day, texts where it was asked for; no failure stops it."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlalchemy import insert, select

from incidents.app import App
from incidents.daemon.retention_duty import Retention
from incidents.desk import Envelope
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.record.entry import decode
from incidents.store.log import checkpoints
from incidents.store.schema.log_tables import checkpoints as table
from tests.conftest import WriteSettings
from tests.daemon.conftest import Said

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
ASKED, SHORTER = (f'[retention]\nkeep = "{keep}"\n' for keep in ("184d", "30d"))
LATER = START + timedelta(days=184, seconds=1)


@pytest.fixture
def app(app: App, write_settings: WriteSettings) -> App:
    """A site with a voided incident, recorded at ten on 2026-03-01."""
    write_settings("")
    with freeze_time(START):
        app.desk.submit([
            Envelope(site="a.example", command=command)
            for command in (
                c.AddSite(by="li"), c.Log(by="li", note="from the hotline"),
                c.VoidIncident(by="li", incident=1, reason="none"),
            )
        ])  # fmt: skip
    return app


def _left(app: App) -> int:
    with app.reading() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM sealed").scalar_one())


def test_nothing_goes_that_was_not_asked_for(app: App) -> None:
    with freeze_time(LATER):
        Retention(app).run()
    assert _left(app) == 2


def test_what_nobody_has_asked_for_is_not_looked_at_nor_complained_of(
    app: App, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("the disk fails")

    monkeypatch.setattr("incidents.desk.pseudonyms.erase_texts", fail)
    Retention(app).run()
    assert said() == []


def test_what_was_asked_for_goes_in_the_clock_s_name(
    app: App, write_settings: WriteSettings, said: Said
) -> None:
    write_settings(ASKED)
    with freeze_time(LATER):
        Retention(app).run()
        Retention(app).run()
    assert _left(app) == 0
    with app.reading() as connection:
        [body] = connection.exec_driver_sql("SELECT body FROM entries WHERE site_id = 0").scalars()
    header, event = decode(body)
    assert (header.login, event.by) == (None, "clock")
    [line] = said()
    assert (line["event"], line["count"]) == ("expired data was erased", 2)


def test_it_is_done_once_a_day_also_after_the_clock_was_set_back(
    app: App, write_settings: WriteSettings
) -> None:
    write_settings(ASKED)
    duty = Retention(app)
    with freeze_time(LATER - timedelta(hours=1)):
        duty.run()
    with freeze_time(LATER + timedelta(hours=22)):
        duty.run()
    assert _left(app) == 2
    with freeze_time(LATER - timedelta(hours=2)):
        duty.run()
    with freeze_time(LATER + timedelta(hours=23)):
        duty.run()
    assert _left(app) == 0


def test_a_setting_that_the_law_forbids_is_told_and_tried_again_when_it_is_mended(
    app: App, write_settings: WriteSettings, said: Said
) -> None:
    duty = Retention(app)
    write_settings(SHORTER)
    with freeze_time(LATER):
        duty.run()
        assert _left(app) == 2
        [line] = said()
        assert (line["level"], line["error"]) == ("warning", "RetentionTooShortError")
        assert 'write "184d", or a longer time' in line["reason"]
        write_settings(ASKED)
        duty.run()
    assert _left(app) == 0


def _keys(app: App) -> int:
    with app.reading() as connection:
        return int(
            connection.exec_driver_sql(
                "SELECT count(*) FROM keys WHERE fingerprint <> ''"
            ).scalar_one()
        )


def test_expired_keys_are_deleted_once_a_day_without_a_setting(app: App, said: Said) -> None:
    with freeze_time(START):
        app.desk.submit([Envelope(site="a.example", command=c.Log(by="li"), key="k")])
    deleted: list[tuple[str, int]] = []
    duty = Retention(app, deleted=lambda *each: deleted.append(each))
    with freeze_time(START + timedelta(days=30)):
        duty.run()
    assert _keys(app) == 1
    with freeze_time(START + timedelta(days=30, hours=23)):
        duty.run()
    assert _keys(app) == 1
    with freeze_time(START + timedelta(days=31)):
        duty.run()
    assert _keys(app) == 0
    [line] = said()
    assert (line["event"], line["count"]) == ("expired keys were deleted", 1)
    assert deleted == [("keys", 1)]


def test_texts_that_cannot_be_erased_do_not_keep_the_keys(
    app: App, write_settings: WriteSettings, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("the disk fails")

    write_settings(ASKED)
    with freeze_time(START):
        app.desk.submit([Envelope(site="a.example", command=c.Log(by="li"), key="k")])
    monkeypatch.setattr("incidents.desk.pseudonyms.erase_texts", fail)
    with freeze_time(LATER):
        Retention(app).run()
    assert _keys(app) == 0
    assert [line["level"] for line in said()] == ["warning", "info"]


def test_old_checkpoints_are_thinned_in_the_clock_s_name(app: App, said: Said) -> None:
    with app.bare_engine.begin() as connection:
        for n in range(3):
            new = checkpoints.Signed(0, n, b"", "", "k", START + timedelta(minutes=n))
            connection.execute(insert(table).values({**new._asdict(), "id": n + 1}))
    with freeze_time(START + timedelta(days=31)):
        Retention(app).run()
    with app.reading() as connection:
        assert connection.scalars(select(table.c.size)).all() == [0, 2]
        [body] = connection.exec_driver_sql("SELECT body FROM entries WHERE site_id = 0").scalars()
    header, event = decode(body)
    assert (event.kind, header.login, event.by) == ("checkpoints_thinned", None, "clock")
    [line] = said()
    assert (line["event"], line["count"]) == ("old checkpoints were thinned", 1)
