"""The Maildir that a daemon takes in: nothing is lost, and nothing comes in twice."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select

from incidents import clock
from incidents.app import App
from incidents.daemon.duties import INBOX, DeliveryDuties
from incidents.daemon.heartbeat import HeartbeatDuty, identity
from incidents.daemon.inbox.inbox_duty import Intake
from incidents.daemon.shared_status import SharedStatus
from incidents.errors import DatabaseError
from incidents.inbox import maildir
from incidents.store.schema.report_tables import reports
from incidents.views.health import enforcement
from tests.conftest import WriteSettings
from tests.daemon.conftest import Said
from tests.daemon.test_heartbeat import Working

MAIL = b"From: a@user.example\nSubject: phishing %d\n\nhttp://shop.example/%d\n"


@pytest.fixture
def folder(tmp_path: Path, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))
    folder = tmp_path / "mail"
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    write_settings(f'[inbox]\nmaildir = "{folder}"\n')
    return folder


def put(folder: Path, n: int, part: str = "new", flags: str = "") -> Path:
    file = folder / part / f"{n:010}.host{flags}"
    file.write_bytes(MAIL % (n, n))
    return file


def kept(app: App) -> list[tuple[int, str]]:
    with app.reading() as connection:
        rows = connection.execute(select(reports.c.id, reports.c.channel).order_by(reports.c.id))
        return [(row.id, row.channel) for row in rows]


def test_each_mail_is_received_whatever_its_flags_say_and_then_moved(
    app: App, folder: Path, said: Said
) -> None:
    put(folder, 1), put(folder, 2), put(folder, 3, "cur", ":2,S")
    Intake(app).run()
    assert kept(app) == [(1, "maildir"), (2, "maildir"), (3, "maildir")]
    taken = sorted(each.name for each in (folder / maildir.TAKEN / "cur").iterdir())
    assert taken == ["0000000001.host", "0000000002.host", "0000000003.host:2,S"]
    assert [line["event"] for line in said()] == ["reports were received"]
    Intake(app).run()
    assert len(kept(app)) == 3


def test_a_mail_that_is_on_record_but_was_not_moved_is_not_received_twice(
    app: App, folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    file = put(folder, 1)
    with monkeypatch.context() as patch:
        patch.setattr(maildir.Maildir, "take", lambda *_: None)
        Intake(app).run()
    assert file.exists()
    Intake(app).run()
    assert not file.exists()
    assert len(kept(app)) == 1


def test_a_mail_stays_until_it_is_on_record(
    app: App, folder: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    file = put(folder, 1)

    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("the disk fails")

    with monkeypatch.context() as patch:
        patch.setattr("incidents.desk.inbox.receiving.receive", fail)
        Intake(app).run()
    assert file.exists()
    assert [line["event"] for line in said()] == ["reports are not received"]
    assert kept(app) == []
    Intake(app).run()
    assert kept(app) == [(1, "maildir")]


def test_without_a_folder_in_the_settings_nothing_is_done(
    app: App, write_settings: WriteSettings, said: Said
) -> None:
    write_settings("")
    Intake(app).run()
    assert said() == []


def test_a_folder_that_is_no_maildir_is_named(
    app: App, tmp_path: Path, write_settings: WriteSettings, said: Said
) -> None:
    write_settings(f'[inbox]\nmaildir = "{tmp_path}"\n')
    Intake(app).run()
    [line] = said()
    assert "a Maildir: a folder with new, cur and tmp in it" in line["reason"]


def test_why_nothing_is_received_is_on_the_heartbeat_until_it_is_received_again(
    app: App, folder: Path
) -> None:
    shared = SharedStatus()
    duties = DeliveryDuties(app, shared, Event())
    _, receive = duties.by_name[INBOX]
    heart = HeartbeatDuty(app, Working(), identity(), mailbox_unread=lambda: shared.mailbox_unread)

    def told() -> str | None:
        receive()
        heart.beat()
        with app.reading() as connection:
            [daemon] = enforcement(connection, clock.now())["daemons"]
        assert daemon["beating"]
        return daemon["mailbox_unread"]

    assert told() is None
    (folder / "new").rmdir()
    assert "maildir" in (told() or "")
    (folder / "new").mkdir()
    put(folder, 1)
    duties = DeliveryDuties(app, shared, Event())
    _, receive = duties.by_name[INBOX]
    assert told() is None
    assert kept(app) == [(1, "maildir")]
