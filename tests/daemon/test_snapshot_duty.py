"""Snapshots by the daemon: what is on record of a page, once, and never where it must not look."""

from __future__ import annotations

import hashlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import pytest
from sqlalchemy import select, update

from incidents import clock
from incidents.app import App
from incidents.audit.replay import Replay
from incidents.contract.documents.reports import Snapshot
from incidents.daemon.inbox import snapshot_duty
from incidents.daemon.inbox.snapshot_duty import SnapshotRounds
from incidents.desk import Envelope, erasure
from incidents.desk.erasure import Erasure
from incidents.errors import (
    NoPageToSeeError,
    NoSuchReportError,
    SealedContentError,
    SettingError,
)
from incidents.inbox.receiving import Delivery
from incidents.inbox.snapshots.fetching import Page
from incidents.inbox.snapshots.screenshot import Screenshot, Screenshots
from incidents.inbox.snapshots.taking import Snapshots
from incidents.machine import commands as c
from incidents.outbound.guard import Guard, dial
from incidents.record import evidence
from incidents.settings import sources
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.erasable import Scope
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.report_tables import waiting_snapshots
from incidents.views.inbox import reports as views
from incidents.views.inbox.snapshots import compared
from tests.conftest import WriteSettings
from tests.daemon.conftest import Said
from tests.daemon.reporter_rig import ZHAO, mail
from tests.outbound.rig import LOOPBACK, Receiver, always, receiver

PAGE = b"<title>Sign in</title>Enter your password"
PICTURE = b"\x89PNG a picture"


class Pictures(Screenshots):
    """The same picture of each page."""

    def take(self, _page: Page, _guard: Guard) -> Screenshot:
        """Take none."""
        return Screenshot(png=PICTURE)


def _opened(raw: bytes) -> AbstractContextManager[BinaryIO]:
    return nullcontext(BytesIO(raw))


@dataclass
class Rig:
    """The desk `app`, for which all sites are on the server `there`."""

    app: App
    there: Receiver
    write: WriteSettings
    db: str
    ahead: list[timedelta] = field(default_factory=lambda: [timedelta()])

    def wants(self, *, snapshots: bool = True) -> None:
        """Set whether pages are looked at; the first round notes from where on they are."""
        self.write(f"[inbox]\nsnapshots = {str(snapshots).lower()}\n")
        self.round()

    def round(self) -> int:
        """Do a round of the duty, and return how many requests it has sent."""
        before = len(self.there.seen)
        SnapshotRounds(self.app).round()
        return len(self.there.seen) - before

    def receive(self, *raw: bytes) -> None:
        deliveries = [Delivery(partial(_opened, each)) for each in raw]
        list(self.app.reports.receive(deliveries, channel="maildir", by="daemon", login=None))

    def snapshots(self, report: int = 1) -> list[Snapshot]:
        with self.app.reading() as connection:
            return views.report(connection, report)["snapshots"]

    def entries(self) -> list[str]:
        """The entries about snapshots."""
        with self.app.reading() as connection:
            own = select(entries.c.body).where(entries.c.body.contains('"report_snapshot"'))
            return list(connection.scalars(own))

    def problems(self) -> list[object]:
        with plainly(self.app.engine), reading(self.app.engine) as connection:
            return list(Replay(connection).findings())

    def expire(self) -> None:
        """End the lease of a daemon that was killed."""
        with plainly(self.app.engine), writing(self.app.engine) as connection:
            past = clock.now() - timedelta(seconds=1)
            connection.execute(update(waiting_snapshots).values(next_at=past))
        self.app.bare_engine.dispose()

    def waiting(self) -> int:
        with self.app.reading() as connection:
            return len(connection.execute(select(waiting_snapshots)).all())


@pytest.fixture
def rig(
    db_url: str, tmp_path: Path, write_settings: WriteSettings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")
    own = App(sources.load(db=db_url))
    real = clock.now
    with receiver(always(200, PAGE, Content_Type="text/html")) as there:
        found = Rig(own, there, write_settings, db_url)

        def connect(_address: str, _port: int, within_s: float) -> socket.socket:
            return dial(LOOPBACK, there.port, within_s)

        guard = Guard(plain_http=True, resolve=lambda *_: ["8.8.8.8"], dial=connect)
        own.snapshots = Snapshots(folder=own.settings.evidence, guard=guard, screenshots=Pictures)
        monkeypatch.setattr(clock, "now", lambda: real() + found.ahead[0])
        own.desk.submit([Envelope(site="shop.example", command=c.AddSite(by="li"), login=None)])
        yield found
    own.close()


@pytest.mark.both_databases
def test_a_new_report_gets_one_look_at_its_page_which_is_on_record(rig: Rig, said: Said) -> None:
    rig.wants()
    rig.receive(mail())
    assert (rig.round(), rig.round()) == (1, 0)
    [found] = rig.snapshots()
    digest = hashlib.sha256(PAGE).hexdigest()
    assert (found["status"], found["digest"], found["size"], found["by"]) == (
        200, digest, len(PAGE), "daemon",
    )  # fmt: skip
    assert (found["url"], found["title"], found["text"]) == (
        "http://shop.example/login", "Sign in", "Enter your password",
    )  # fmt: skip
    assert evidence.kept(rig.app.settings.evidence, digest) is not None
    [body] = rig.entries()
    assert digest in body
    # The entry stays when the words are erased.
    assert "shop.example" not in body
    assert "password" not in body
    assert rig.problems() == []
    assert [line for line in said() if line["event"] == "pages of a report were looked at"]


def test_a_look_moves_no_state(rig: Rig) -> None:
    rig.wants()
    rig.receive(mail())
    rig.round()
    with rig.app.reading() as connection:
        found = views.report(connection, 1)
    assert (found["state"], found["settled_at"], found["incident"]) == ("new", None, None)


def test_nobody_looks_unless_it_is_wanted_and_not_at_reports_of_before(rig: Rig) -> None:
    rig.wants(snapshots=False)
    rig.receive(mail())
    assert rig.round() == 0
    rig.wants()
    assert rig.round() == 0
    rig.receive(mail(id_="<2@user.example>"))
    assert rig.round() == 1
    assert (rig.snapshots(1), len(rig.snapshots(2))) == ([], 1)


@pytest.mark.parametrize(
    "raw",
    [
        mail(subject="child sexual abuse material"),
        mail(text="http://elsewhere.example/"),
        mail(sender="Sun <sun@user.example>"),
    ],
    ids=["child abuse", "another's site", "blocked"],
)
def test_some_reports_lead_to_no_look(rig: Rig, raw: bytes) -> None:
    rig.wants()
    rig.app.reports.mark("sun@user.example", "blocked", "lies", by="li", login=None)
    rig.receive(raw)
    assert (rig.round(), rig.snapshots(), rig.waiting()) == (0, [], 0)


def test_a_report_that_was_dismissed_meanwhile_leads_to_no_look(rig: Rig) -> None:
    rig.wants()
    rig.receive(mail())
    rig.app.reports.dismiss(1, "nonsense", not_ours=False, by="li", login=None)
    assert rig.round() == 0


def test_a_flood_of_reports_makes_no_flood_of_requests(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_duty, "PER_HOUR", 2)
    rig.wants()
    rig.receive(*(mail(id_=f"<{n}@user.example>") for n in range(5)))
    assert (rig.round(), rig.round()) == (2, 0)
    rig.ahead[0] += timedelta(hours=1, seconds=5)
    assert rig.round() == 2
    # What has waited for a day would show another day.
    rig.ahead[0] += timedelta(days=1)
    assert (rig.round(), rig.waiting()) == (0, 0)


_KILLED = """
import os, signal, socket, sys
from incidents.app import App
from incidents.daemon.inbox.snapshot_duty import Looks, SnapshotRounds
from incidents.inbox.snapshots.taking import Snapshots
from incidents.outbound.guard import Guard, dial
from incidents.settings import sources
app = App(sources.load(db=sys.argv[1]))
to = lambda _address, _port, within_s: dial("127.0.0.1", int(sys.argv[2]), within_s)
guard = Guard(plain_http=True, resolve=lambda *_: ["8.8.8.8"], dial=to)
app.snapshots = Snapshots(folder=app.settings.evidence, guard=guard)
Looks._record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
SnapshotRounds(app).round()
"""


@pytest.mark.parametrize(("kills", "on_record"), [(1, 1), (2, 0)])
def test_after_a_kill_before_the_record_a_page_is_fetched_once_more_and_no_more(
    rig: Rig, said: Said, kills: int, on_record: int
) -> None:
    rig.wants()
    rig.receive(mail())
    rig.app.bare_engine.dispose()
    for n in range(kills):
        if n:
            rig.expire()
        killed = [sys.executable, "-c", _KILLED, rig.db, str(rig.there.port)]
        done = subprocess.run(killed, check=False, capture_output=True, timeout=60)
        assert done.returncode == -signal.SIGKILL, done.stderr
    # Another daemon waits for the end of the lease.
    assert rig.round() == 0
    rig.ahead[0] += timedelta(minutes=3)
    rig.round()
    rig.round()
    assert len(rig.there.seen) == 2
    assert (len(rig.snapshots()), rig.waiting()) == (on_record, 0)
    assert rig.problems() == []
    lines = [line["event"] for line in said()]
    assert ("the pages of a report were not looked at" in lines) is (on_record == 0)


@pytest.mark.both_databases
def test_an_erasure_leaves_the_proof_of_a_look_and_none_of_its_words(rig: Rig) -> None:
    rig.wants()
    rig.receive(mail())
    rig.round()
    digest, picture = (hashlib.sha256(each).hexdigest() for each in (PAGE, PICTURE))
    folder = rig.app.settings.evidence

    def kept() -> list[bool]:
        return [evidence.kept(folder, each) is not None for each in (digest, picture)]

    def erase() -> None:
        rig.ahead[0] += timedelta(days=3)
        scope = Scope(before=clock.now() - timedelta(days=1))
        erasure.erase(
            rig.app.desk, rig.app.engine, Erasure(scope=scope, by="li", reason="due"), folder
        )

    # A report that waits for the desk needs what was found.
    erase()
    assert (rig.snapshots()[0]["title"], kept()) == ("Sign in", [True, True])
    rig.app.reports.dismiss(1, "nonsense", not_ours=False, by="li", login=None)
    erase()
    [found] = rig.snapshots()
    assert (found["digest"], found["url"], found["title"], found["text"]) == (digest, "", "", "")
    assert (found["screenshot"], kept()) == (picture, [False, False])
    assert ZHAO not in json.dumps(rig.entries())
    assert rig.problems() == []


def test_a_picture_is_taken_as_the_settings_of_now_say(rig: Rig) -> None:
    app = App(rig.app.settings)
    own = app.snapshots.screenshots()
    assert own is not None
    assert (own.program, own.sandbox) == (None, True)
    rig.write('[inbox]\nbrowser = "/opt/chromium"\nbrowser_sandbox = false\n')
    own = app.snapshots.screenshots()
    assert own is not None
    assert (own.program, own.sandbox) == (Path("/opt/chromium"), False)
    rig.write("[inbox]\nscreenshots = false\n")
    assert app.snapshots.screenshots() is None
    rig.write('[inbox]\nscreenshots = "often"\n')
    with pytest.raises(SettingError, match="screenshots"):
        app.snapshots.screenshots()


@pytest.mark.both_databases
def test_a_person_looks_again_whatever_is_set_and_their_name_is_on_record(rig: Rig) -> None:
    rig.receive(mail())
    desk = rig.app.reports
    desk.retest(1, by="li", login=None, dry_run=True)
    assert rig.there.seen == []
    desk.retest(1, by="li", login=None)
    rig.app.reports.dismiss(1, "gone", not_ours=False, by="li", login=None)
    found = desk.retest(1, by="wang", login=None)["report"]
    assert [each["by"] for each in found["snapshots"]] == ["li", "wang"]
    assert (found["state"], len(rig.there.seen)) == ("dismissed", 2)
    [both] = compared(found["snapshots"])
    assert (both.first["n"], both.last["n"], both.is_again, both.is_same) == (1, 2, True, True)
    assert rig.problems() == []


def test_a_person_is_told_why_there_is_nothing_to_look_at(rig: Rig) -> None:
    rig.receive(mail(subject="child sexual abuse material"), mail(text="http://elsewhere.example/"))
    with pytest.raises(SealedContentError):
        rig.app.reports.retest(1, by="li", login=None)
    with pytest.raises(NoPageToSeeError):
        rig.app.reports.retest(2, by="li", login=None)
    with pytest.raises(NoSuchReportError):
        rig.app.reports.retest(3, by="li", login=None)
    assert (rig.there.seen, rig.entries()) == ([], [])
