"""The continuity: when a history goes on from less, each epoch begins once and none twice."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from incidents import clock
from incidents.app import App
from incidents.daemon import delivery
from incidents.desk import resumption
from incidents.desk.resumption import (
    ANOTHER_SERVER,
    ASKED,
    EpochsUsedUpError,
    Resumption,
    next_epoch,
)
from incidents.enforcement import epochs
from incidents.enforcement.continuity import Continuity, HaltedError
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.machine.orders import ACT, DESK, NOTICE
from incidents.settings import sources
from incidents.store import entries
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from incidents.store.log.lineage import LOST_AGAIN, UNKNOWN_SERVER
from incidents.store.schema.desk_tables import desk as desk_row
from incidents.values.ids import EPOCHS
from incidents.views.left_down import resumptions
from tests.databases import compares_clocks
from tests.enforcement.lost_rig import (
    THREE,
    Letters,
    Receiver,
    begun,
    carry_out,
    continuity,
    copy,
    deliver,
    desk,
    give,
    go_on,
    halted,
    hold,
    lift,
    losing,
    mark_of,
    move,
    on_host,
    put_back,
    record,
    recover,
    standing,
    two_copies,
)

DAY = timedelta(days=1)


@pytest.fixture
def app(postgresql_url: str) -> Iterator[App]:
    """A desk with one site, whose database another server may take over."""
    app = App(sources.load(db=postgresql_url))
    give(app, "one.example", c.AddSite(by="operator-1"))
    yield app
    app.close()


# ── The number of an epoch


@pytest.mark.parametrize(
    ("highest", "now", "epoch"),
    [
        (0, datetime(2026, 1, 1, 23, tzinfo=UTC), 1),
        (0, datetime(2026, 11, 29, tzinfo=UTC), 332),
        (332, datetime(2026, 11, 29, tzinfo=UTC), 333),
        (400, datetime(2026, 11, 29, tzinfo=UTC), 401),
        (0, datetime(2019, 1, 1, tzinfo=UTC), 1),
        (0, resumption.FIRST_DAY + resumption.LAST * DAY, resumption.LAST),
        (0, resumption.FIRST_DAY + (resumption.LAST + 1) * DAY, 1),
        (332, datetime(2200, 1, 1, tzinfo=UTC), 333),
        (EPOCHS - 2, datetime(2200, 1, 1, tzinfo=UTC), EPOCHS - 1),
    ],
)
def test_an_epoch_is_its_day_or_the_next_one_after_the_highest_that_is_known(
    highest: int, now: datetime, epoch: int
) -> None:
    assert next_epoch(highest, now) == epoch


def test_no_epoch_begins_whose_numbers_a_receiver_could_not_keep() -> None:
    now = datetime(2026, 11, 29, tzinfo=UTC)
    with pytest.raises(EpochsUsedUpError, match=f"{EPOCHS - 1:,} was the last"):
        next_epoch(EPOCHS - 1, now)


def test_a_clock_that_was_wrong_once_uses_up_one_epoch_and_halts_nothing_later(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert receiver.seen == {}
    on_host(monkeypatch, tmp_path, "here")
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        with monkeypatch.context() as wrong:
            wrong.setattr(clock, "source", lambda: datetime(2099, 1, 1, tzinfo=UTC))
            for _ in range(9):
                recover(app, tmp_path / "here")
        assert standing(app).epoch == 9
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)

    with desk(tmp_path) as app:
        assert halted(app) is None
        assert standing(app).epoch == max(10, (clock.now() - resumption.FIRST_DAY).days)


@pytest.mark.parametrize("days", [0, 1])
def test_an_epoch_that_was_lost_with_its_host_is_not_used_again(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Two losses to one moment. The first is noticed by a host whose disk is gone by the second;
    the other host has seen the first epoch, or another day has come."""
    on_host(monkeypatch, tmp_path, "one")
    with desk(tmp_path) as app:
        for name in THREE:
            give(app, name, c.AddSite(by="operator-1"))
        carry_out(app)
    copy(tmp_path)

    def hold_and_lift(app: App) -> None:
        for name in THREE:
            hold(app, name)
            carry_out(app)
            lift(app, name)
            carry_out(app)

    with desk(tmp_path) as app:
        for host in ("one", "two"):
            on_host(monkeypatch, tmp_path, host)
            hold_and_lift(app)
    put_back(tmp_path)
    on_host(monkeypatch, tmp_path, "one")
    with desk(tmp_path) as app:
        hold_and_lift(app)
        if not days:
            # It has nothing to carry out, and looks.
            on_host(monkeypatch, tmp_path, "two")
            deliver(app)
    put_back(tmp_path)
    shutil.rmtree(tmp_path / "one")
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + days * DAY)
    on_host(monkeypatch, tmp_path, "two")

    with desk(tmp_path) as app:
        for name in THREE:
            hold(app, name)
        carry_out(app)

        assert record(app) == dict.fromkeys(THREE, ("suspended", "suspended"))
        assert receiver.sites == dict.fromkeys(THREE, "suspended")


# ── Which database it is


def test_a_copy_under_another_path_is_known_and_a_new_database_at_an_old_path_is_not(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_host(monkeypatch, tmp_path, "here")
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
    copy(tmp_path)
    with desk(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.copy(tmp_path / "older.db", elsewhere / "desk.db")
    for each in tmp_path.glob("desk.db*"):
        each.unlink()

    with desk(tmp_path) as app:
        give(app, "new.example", c.AddSite(by="operator-1"))
        carry_out(app)
        assert begun(app) == []
    with desk(elsewhere) as app:
        carry_out(app)
        go_on(app, tmp_path / "here")
        assert begun(app) == ["entries_lost", "asked"]
    with desk(tmp_path) as app:
        carry_out(app)
        assert begun(app) == [], "what another database had is nothing to this one"
    assert receiver.sites["one.example"] == "active"


def test_each_database_has_an_identity_of_its_own_that_a_copy_keeps(tmp_path: Path) -> None:
    def identity(folder: Path) -> str:
        with desk(folder) as app, app.reading() as connection:
            return lineage.read(connection).identity

    one, other, copied = (tmp_path / name for name in ("one", "other", "copied"))
    for folder in (one, other, copied):
        folder.mkdir()
    drawn = identity(one)
    shutil.copy(one / "desk.db", copied / "desk.db")
    assert len(drawn) == 16
    assert identity(copied) == identity(one) == drawn != identity(other)


# ── What one daemon has noticed, and another


def test_a_higher_epoch_is_marked_at_once_without_an_order(
    tmp_path: Path, receiver: Receiver
) -> None:
    assert receiver.seen == {}
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        recover(app, tmp_path / "one")
        mark = mark_of(app, tmp_path / "two")
        assert mark.read() is None

        assert continuity(app, tmp_path / "two").check() is None

        found = mark.read()
        assert found is not None
        assert found.epoch == standing(app).epoch > 0
        recovered = mark_of(app, tmp_path / "one").read()
        assert recovered is not None
        assert recovered.position == found.position, "by who began it, too"


def test_of_a_loss_that_the_first_one_did_not_know_of_the_second_one_tells(
    app: App, tmp_path: Path
) -> None:
    """Another server takes over; only one of the hosts had marked what it had not heard of."""
    knows = continuity(app, tmp_path / "knows")
    knows.check()
    continuity(app, tmp_path / "other").check()
    give(app, "two.example", c.AddSite(by="operator-1"))
    mark = mark_of(app, tmp_path / "knows")
    with app.reading() as connection:
        newest, history = entries.newest(connection), lineage.read(connection)
    assert newest is not None
    knows.advance_mark(history, newest._replace(id=newest.id + 1_000), clock.now())
    move(app)

    first = continuity(app, tmp_path / "other").check()
    assert first is not None
    assert first.cause == "another_server"
    second = knows.check()
    assert second is not None
    assert (second.cause, second.had) == ("entries_lost", newest.id + 1_000)
    for each in ("knows", "other", "third"):
        assert continuity(app, tmp_path / each).check() is None
    assert mark.read() is not None
    assert standing(app).lost_since is not None
    assert standing(app).moved_at is None


def test_two_who_see_one_loss_at_one_moment_begin_one_epoch(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert receiver.seen == {}
    on_host(monkeypatch, tmp_path, "here")
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)
    with desk(tmp_path) as app:
        one, other = (continuity(app, tmp_path / "here") for _ in range(2))
        looked = other._inspect

        def while_the_first_goes_on() -> Any:
            seen = looked()
            monkeypatch.setattr(other, "_inspect", looked)
            assert one.check() is not None
            return seen

        monkeypatch.setattr(other, "_inspect", while_the_first_goes_on)
        assert other.check() is None
        with app.reading() as connection:
            assert len(resumptions(connection)) == 1


def test_a_look_at_a_history_that_goes_on_takes_one_transaction(tmp_path: Path) -> None:
    """Each daemon looks four times a second."""
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        own = continuity(app, tmp_path)
        own.check()
        begun: list[object] = []
        event.listen(app.engine, "begin", begun.append)

        assert own.check() is None

        assert len(begun) == 1


def test_whom_a_person_lets_go_on_meanwhile_no_daemon_halts(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert receiver.seen == {}
    on_host(monkeypatch, tmp_path, "here")
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)
    with desk(tmp_path) as app:
        deliver(app)
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)
    with desk(tmp_path) as app:
        own = continuity(app, tmp_path / "here")
        looked = own._inspect

        def while_a_person_recovers() -> Any:
            seen = looked()
            monkeypatch.setattr(own, "_inspect", looked)
            recover(app, tmp_path / "here")
            return seen

        monkeypatch.setattr(own, "_inspect", while_a_person_recovers)
        assert own.check() is None
        assert standing(app).halted_since is None


def test_two_copies_that_are_at_work_beside_one_key_do_not_use_up_the_numbers(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is told, and a person can say which of them goes on."""
    assert receiver.seen == {}
    on_host(monkeypatch, tmp_path, "here")
    folders = two_copies(tmp_path)
    refused = 0
    for _ in range(6):
        for folder in folders:
            with desk(folder) as app:
                hold(app, "one.example")
                refused += halted(app) is not None
                lift(app, "one.example")
    assert refused == 5, "one of them goes on, after both have once"
    with desk(folders[0]) as app, app.reading() as connection:
        assert len(resumptions(connection)) == 1
    with desk(folders[1]) as app:
        recover(app, tmp_path / "here")
        deliver(app)


def test_one_that_was_refused_stays_so_after_the_hour_and_a_restart_until_a_person_goes_on(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_host(monkeypatch, tmp_path, "here")
    one, two = two_copies(tmp_path)
    for n, folder in enumerate((one, two, one, two)):
        with desk(folder) as app:
            hold(app, "one.example")
            why = halted(app)
            if n < 3:
                lift(app, "one.example")
    assert why is not None
    seen = dict(receiver.seen)

    for days in (0, 1, 400):
        monkeypatch.setattr(clock, "source", lambda days=days: datetime.now(UTC) + days * DAY)
        with desk(two) as app:
            assert str(halted(app)) == str(why)
    assert receiver.seen == seen
    with desk(two) as app:
        recover(app, tmp_path / "here")
        carry_out(app)
        assert record(app) == {"one.example": ("suspended", "suspended")}
    assert receiver.seen != seen


def test_one_that_was_refused_stays_so_though_what_was_missing_seems_to_be_there(
    tmp_path: Path,
) -> None:
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        with writing(app.engine) as connection:
            lineage.halt(connection, datetime(2026, 3, 2, tzinfo=UTC), LOST_AGAIN)

        for _ in range(2):
            with pytest.raises(HaltedError, match="2026-03-02"):
                continuity(app, tmp_path).check()

        recover(app, tmp_path)
        assert continuity(app, tmp_path).check() is None


def test_as_long_as_nobody_knows_of_a_loss_the_next_one_waits_for_a_person(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two copies beside one key would take turns, an hour each."""
    assert receiver.seen == {}
    on_host(monkeypatch, tmp_path, "here")
    one, two = two_copies(tmp_path)
    for hours, folder in enumerate((one, two) * 6):
        at = datetime.now(UTC) + 2 * hours * timedelta(hours=1)
        monkeypatch.setattr(clock, "source", lambda at=at: at)
        with desk(folder) as app:
            hold(app, "one.example")
            halted(app)
            lift(app, "one.example")

    for folder in (one, two):
        with desk(folder) as app, app.reading() as connection:
            assert len(resumptions(connection)) == 1
    with desk(two) as app:
        assert standing(app).halted_since is not None


def test_a_copy_on_another_server_of_which_nothing_is_known_here_carries_nothing_out(
    app: App, tmp_path: Path, receiver: Receiver
) -> None:
    """It may be a drill's, and the world is another's."""
    carry_out(app)
    move(app)
    hold(app, "one.example")
    seen = dict(receiver.seen)

    since = []
    for _ in range(2):
        with pytest.raises(HaltedError, match="recover --reason"):
            continuity(app, tmp_path / "drill").check()
        since.append(standing(app).halted_since)

    assert receiver.seen == seen
    assert since[0] == since[1] is not None, "it is told since when, not when somebody looked last"
    with app.reading() as connection:
        assert resumptions(connection) == []
    recover(app, tmp_path / "drill")
    assert standing(app).halted_since is None
    assert continuity(app, tmp_path / "drill").check() is None


def lose_end(app: App, folder: Path) -> Continuity:
    """What is beside that key has marked an entry that the database has not got."""
    found = continuity(app, folder)
    with app.reading() as connection:
        newest, history = entries.newest(connection), lineage.read(connection)
    assert newest is not None
    found.advance_mark(history, newest._replace(id=newest.id + 1_000), clock.now())
    return found


@pytest.mark.parametrize("is_known", [False, True])
def test_a_failover_goes_on_from_no_database_whose_end_was_lost_twice(
    app: App, tmp_path: Path, is_known: bool
) -> None:
    """Neither where nobody knows of the first loss, nor where a person has just said so."""
    assert lose_end(app, tmp_path).check() is not None
    if is_known:
        recover(app, tmp_path)
    with pytest.raises(HaltedError, match="is missing"):
        lose_end(app, tmp_path).check()
    halted_since, epoch = standing(app).halted_since, standing(app).epoch

    for n in range(2):
        move(app, n)
        with pytest.raises(HaltedError):
            continuity(app, tmp_path / "blank").check()
        with pytest.raises(HaltedError, match="its end was lost once more"):
            continuity(app, tmp_path).check()

    assert (standing(app).halted_since, standing(app).epoch) == (halted_since, epoch)
    # Nor if one has looked before it was halted, and goes on after.
    moved = Resumption(cause=ANOTHER_SERVER)
    app.desk.on_record(lambda connection: resumption.resume(connection, moved, clock.now))
    assert standing(app).halted_since == halted_since
    recover(app, tmp_path)
    assert continuity(app, tmp_path).check() is None


def test_who_knows_a_database_goes_on_where_one_who_knew_nothing_of_it_was_first(
    app: App, tmp_path: Path
) -> None:
    assert continuity(app, tmp_path / "knows").check() is None
    for n in range(2):
        move(app, n)
        with pytest.raises(HaltedError, match="another server"):
            continuity(app, tmp_path / f"blank-{n}").check()

        moved = continuity(app, tmp_path / "knows").check()

        assert moved is not None
        assert moved.cause == "another_server"
        assert standing(app).halted_since is None
        assert continuity(app, tmp_path / f"blank-{n}").check() is None


def test_who_knows_a_database_goes_on_though_its_end_was_lost_with_the_server_before(
    app: App, tmp_path: Path
) -> None:
    """That nobody knows of the loss yet is not why it was halted."""
    assert continuity(app, tmp_path / "knows").check() is None
    lose_end(app, tmp_path / "knows")
    move(app, 1)
    lost = continuity(app, tmp_path / "knows").check()
    assert lost is not None
    assert lost.cause == "entries_lost"
    move(app, 2)
    with pytest.raises(HaltedError, match="on another server"):
        continuity(app, tmp_path / "blank").check()
    with pytest.raises(HaltedError, match="on another server"):
        continuity(app, tmp_path / "blank").check()

    assert continuity(app, tmp_path / "knows").check() is not None

    assert standing(app).halted_since is None
    assert standing(app).lost_since is not None


def test_no_failover_goes_on_from_one_that_was_halted_while_another_was_noticed(
    app: App, tmp_path: Path
) -> None:
    """A daemon that had looked before notes the failover after the database was halted."""
    assert lose_end(app, tmp_path).check() is not None
    with pytest.raises(HaltedError, match="is missing"):
        lose_end(app, tmp_path).check()
    halted_since = standing(app).halted_since
    moved = Resumption(cause=ANOTHER_SERVER)
    app.desk.on_record(lambda connection: resumption.resume(connection, moved, clock.now))
    assert standing(app).moved_at is not None

    for n in range(2):
        move(app, n)
        with pytest.raises(HaltedError, match="its end was lost once more"):
            continuity(app, tmp_path).check()

    assert standing(app).halted_since == halted_since


def test_the_times_of_a_history_that_goes_on_are_those_of_the_database(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within an hour of each other is what one clock says: two machines' clocks may differ."""
    app = App(sources.load(db=compares_clocks(postgresql_url)))
    give(app, "one.example", c.AddSite(by="operator-1"))
    with monkeypatch.context() as behind:
        behind.setattr(clock, "source", lambda: datetime.now(UTC) - timedelta(minutes=4))
        recover(app, tmp_path)

    begun_at = standing(app).resumed_at
    assert begun_at is not None
    assert abs(datetime.now(UTC) - begun_at) < timedelta(minutes=2)
    with pytest.raises(HaltedError, match="is missing"):
        lose_end(app, tmp_path).check()
    app.close()


@pytest.mark.parametrize("why", [LOST_AGAIN, None])
def test_what_was_halted_for_a_reason_that_is_not_known_waits_for_a_person(
    app: App, tmp_path: Path, why: str | None
) -> None:
    """An earlier version did not write it down."""
    assert continuity(app, tmp_path).check() is None
    with writing(app.engine) as connection:
        lineage.halt(connection, clock.now(), UNKNOWN_SERVER)
        connection.execute(update(desk_row).values(halted_why=why))
    move(app)

    with pytest.raises(HaltedError):
        continuity(app, tmp_path).check()

    recover(app, tmp_path)
    assert (standing(app).halted_since, standing(app).halted_why) == (None, None)


def test_the_first_reason_to_halt_stays(tmp_path: Path) -> None:
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        for day, why in enumerate((UNKNOWN_SERVER, LOST_AGAIN), start=1):
            with writing(app.engine) as connection:
                lineage.halt(connection, datetime(2026, 3, day, tzinfo=UTC), why)

        found = standing(app)
        assert (found.halted_since, found.halted_why) == (
            datetime(2026, 3, 1, tzinfo=UTC), UNKNOWN_SERVER,
        )  # fmt: skip


def test_a_daemon_that_goes_on_meanwhile_lifts_no_halt(tmp_path: Path) -> None:
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
        with writing(app.engine) as connection:
            lineage.halt(connection, datetime(2026, 3, 2, tzinfo=UTC), LOST_AGAIN)
        later = Resumption(cause=ASKED, by=DAEMON)

        app.desk.on_record(lambda connection: resumption.resume(connection, later, clock.now))

        assert standing(app).halted_since == datetime(2026, 3, 2, tzinfo=UTC)


def test_servers_that_take_over_from_each_other_in_turn_are_never_refused(
    app: App, tmp_path: Path
) -> None:
    assert continuity(app, tmp_path).check() is None
    for n in range(4):
        give(app, f"site-{n}.example", c.AddSite(by="operator-1"))
        move(app, n)

        # It is started again, too.
        moved = continuity(app, tmp_path).check()

        assert moved is not None
        assert moved.cause == "another_server"
        assert continuity(app, tmp_path).check() is None


# ── Until when it is told


def test_a_loss_is_told_until_a_person_has_put_on_record_that_they_know(
    tmp_path: Path, receiver: Receiver
) -> None:
    assert receiver.seen == {}
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)
    with desk(tmp_path) as app:
        carry_out(app)
        known = standing(app)
        assert known.lost_since == known.resumed_at is not None
        assert known.unproved_since is not None, "a site was left down"

        # Whatever daemons notice later settles nothing.
        later = Resumption(cause=ASKED, by=DAEMON)
        app.desk.on_record(lambda connection: resumption.resume(connection, later, clock.now))
        assert standing(app).lost_since == known.lost_since

        recover(app, tmp_path)
        found = standing(app)
        assert (found.lost_since, found.moved_at) == (None, None)
        assert found.unproved_since == found.resumed_at


# ── The numbers of letters


def test_a_letter_bears_the_number_of_the_epoch_in_which_its_entry_was_written(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Before the loss, after the database was put back and before a daemon noticed, and after."""
    assert receiver.seen == {}
    moments: list[datetime] = []
    with desk(tmp_path) as app:
        give(app, "one.example", c.AddSite(by="operator-1"))
    moments.append(clock.now())
    with losing(tmp_path) as app:
        hold(app, "one.example")
        carry_out(app)
    with desk(tmp_path) as app:
        give(app, "two.example", c.AddSite(by="operator-1"))
        moments.append(clock.now())
        carry_out(app)
        first = standing(app).epoch
        recover(app, tmp_path)
        moments.append(clock.now())
        second = standing(app).epoch
        with app.reading() as connection:
            found = epochs.read(connection)

    assert second > first > 0
    for lane in (NOTICE, DESK):
        assert [found.of(lane, each) for each in moments] == [0, first, second]
    assert [found.of(ACT, each) for each in moments] == [second] * 3


def test_the_same_letter_keeps_its_number_and_another_one_never_has_that_of_a_lost_one(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert receiver.seen == {}
    letters = Letters()
    monkeypatch.setattr(delivery, "notice_lane", lambda _app, _lane: letters)

    def found(app: App, site: str) -> None:
        give(app, site, c.Log(by="operator-1", urls=(f"http://{site}/{len(letters.sent)}",)))

    with desk(tmp_path) as app:
        for name in THREE[:2]:
            give(app, name, c.AddSite(by="operator-1"))
        found(app, THREE[0])
    with losing(tmp_path) as app:
        found(app, THREE[1])
        carry_out(app)
    with desk(tmp_path) as app:
        # Before any daemon has looked.
        found(app, THREE[1])
        carry_out(app)
        begun_in = standing(app).epoch

    lost, again = (
        {site: (id_, seq) for site, id_, seq in sent}
        for sent in (letters.sent[:2], letters.sent[2:])
    )
    assert again[THREE[0]] == lost[THREE[0]]
    assert lost[THREE[1]] == ("2-o2.notice", 2)
    number = begun_in * 10**12 + 2
    assert again[THREE[1]] == (f"2-o{number}.notice", number)
