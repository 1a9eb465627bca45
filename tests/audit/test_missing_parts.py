"""Carrying out without the archive: orders are delivered although its parts are away."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents import views
from incidents.cli import main
from incidents.desk import resumption
from incidents.desk.resumption import ENTRIES_LOST, Resumption
from incidents.enforcement import epochs
from incidents.enforcement.epochs import Epochs
from incidents.machine import commands as c
from incidents.machine.orders import ACT, NOTICE
from incidents.machine.work import TELL
from incidents.store.archive.part import PartMissingError
from incidents.store.database.engine import reading
from incidents.testing import rehearsal as told_clock
from incidents.views import left_down, withheld
from tests.audit.bundles import LOG
from tests.audit.histories import Histories
from tests.audit.old_days import SITES, archived, fill, folder_of, give, settle
from tests.audit.signed_log import put_key, sign
from tests.conftest import WriteSettings
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.enforcement.dispatcher_rig import StubAdapter, carry_out

HELD = SITES[7]


@pytest.fixture
def folder(tmp_path: Path, write_settings: WriteSettings) -> Path:
    write_settings(folder_of(tmp_path / "parts"))
    return tmp_path / "parts"


@pytest.fixture
def day(folder: Path, sqlite_url: str, histories: Histories) -> Iterator[Rehearsal]:
    with histories.after(fill, sqlite_url) as day:
        yield day


def resume(day: Rehearsal) -> int:
    """The record goes on from here after a loss; the number of its epoch."""
    lost = Resumption(cause=ENTRIES_LOST)
    event = day.desk.on_record(lambda own: resumption.resume(own, lost, lambda: day.now))
    return event.epoch


def test_a_hold_is_carried_out_after_a_resumption_though_the_parts_are_away(
    day: Rehearsal, folder: Path
) -> None:
    resume(day)
    archived(day)
    folder.rename(folder.with_name("away"))
    day.later(minutes=1)
    day.give(c.SetHold(by="li", reason="police order"), HELD)
    act = StubAdapter()
    carry_out(day, act)

    assert [(order.kind, order.site) for order in act.got] == [("suspend", HELD)]


def test_an_order_has_its_epoch_without_the_parts_unless_it_is_older_than_a_resumption(
    day: Rehearsal, folder: Path
) -> None:
    before = day.now
    first = resume(day)
    day.later(minutes=1)

    def found() -> Epochs:
        with reading(day.engine) as connection:
            return epochs.read(connection)

    assert [found().of(NOTICE, at) for at in (before, day.now)] == [0, first]
    archived(day)
    folder.rename(folder.with_name("away"))
    with pytest.raises(PartMissingError), reading(day.engine) as connection:
        left_down.resumptions(connection)
    assert [found().of(NOTICE, at) for at in (before, day.now)] == [None, first]
    assert found().of(ACT, before) == first


CLOSED, MISSED = "closed.example", "missed.example"


@pytest.fixture
def apart(folder: Path, sqlite_url: str) -> Iterator[Rehearsal]:
    """One site was closed and nobody has called yet, another has missed twice; the parts are away.

    All of that is in parts, but for the queue's items and the run.
    """
    with rehearsal(sqlite_url) as day:
        put_key(day, LOG)
        names = [CLOSED, MISSED, *(f"site-{n}.example" for n in range(300))]
        give(day, ((name, c.AddSite(by="li")) for name in names[:2]))
        give(day, ((CLOSED, c.Log(by="li", again=True)) for _ in range(3)))
        for _ in range(2):
            give(day, [(MISSED, c.Log(by="li", again=True))])
            for hours in (2, 13):
                day.later(hours=hours)
                day.elapse()
                settle(day)
        give(day, ((name, c.AddSite(by="li")) for name in names[2:]))
        day.later(days=70)
        sign(day)
        archived(day)
        folder.rename(folder.with_name("away"))
        yield day


def test_the_queue_goes_on_without_the_parts(apart: Rehearsal) -> None:
    with reading(apart.engine) as connection:
        items = views.queue(connection, apart.now, limit=200)["items"]
        with pytest.raises(PartMissingError):
            withheld.withheld_sites(connection, [1])
    [told] = [each for each in items if each["kind"] == TELL]
    assert (told["site"], told["withheld"]) == (CLOSED, False)


def test_an_action_says_without_the_parts_that_the_next_miss_closes_the_site(
    apart: Rehearsal, sqlite_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with told_clock(apart.now):
        assert not main(["log", MISSED, "--db", sqlite_url, "--as", "li"])
    assert "the next miss closes the site" in capsys.readouterr().out
