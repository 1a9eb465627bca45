"""The heartbeat."""

from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlalchemy import Engine

from incidents import clock
from incidents.app import App
from incidents.daemon.enforce import Enforcement
from incidents.daemon.heartbeat import HeartbeatDuty, identity
from incidents.settings import sources
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.monitoring import Heartbeat
from incidents.store.schema import desk_tables
from tests.databases import compares_clocks

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Working(Enforcement):
    """An enforcement of which a test says how it is."""

    def __init__(self) -> None:
        self.at_work = True
        self.aside = None

    @property
    def is_working(self) -> bool:
        return self.at_work


def known(engine: Engine) -> list[Heartbeat]:
    with engine.connect() as connection:
        return monitoring.known_daemons(connection)


def test_a_daemon_at_work_is_seen_and_each_beat_renews_the_same_row(app: App) -> None:
    with freeze_time(START) as now:
        heart = HeartbeatDuty(app, Working(), me := identity())
        heart.beat()
        now.tick(5)
        heart.beat()

    [row] = known(app.engine)
    assert (row.daemon, row.host, row.pid) == (me.daemon, me.host, me.pid)
    assert row.started_at == START
    assert row.beat_at == START + 5 * SECOND
    assert row.standing_aside is None


def test_two_daemons_of_one_host_are_two_rows(app: App) -> None:
    HeartbeatDuty(app, Working(), identity()).beat()
    HeartbeatDuty(app, Working(), identity()).beat()

    assert len(known(app.engine)) == 2


def test_a_daemon_that_does_not_enforce_does_not_beat(app: App) -> None:
    enforcement = Working()
    enforcement.at_work = False

    HeartbeatDuty(app, enforcement, identity()).beat()

    assert known(app.engine) == []


def test_one_that_stands_aside_says_why_and_later_that_it_no_longer_does(app: App) -> None:
    enforcement = Working()
    heart = HeartbeatDuty(app, enforcement, identity())

    enforcement.aside = "its clock is 5.0 s ahead of the database's"
    heart.beat()
    [row] = known(app.engine)
    assert row.standing_aside == enforcement.aside

    enforcement.aside = None
    heart.beat()
    [row] = known(app.engine)
    assert row.standing_aside is None


def test_a_daemon_that_stops_takes_its_row_with_it_and_no_other(app: App) -> None:
    first, second = (
        HeartbeatDuty(app, Working(), identity()),
        HeartbeatDuty(app, Working(), identity()),
    )
    first.beat()
    second.beat()

    first.stop()

    assert len(known(app.engine)) == 1


def test_a_daemon_that_was_never_seen_stops_without_a_word(app: App) -> None:
    HeartbeatDuty(app, Working(), identity()).stop()

    assert known(app.engine) == []


def test_the_dead_are_forgotten_after_a_day(app: App) -> None:
    with writing(app.engine) as connection:
        for age in (timedelta(hours=23), timedelta(hours=25)):
            dead = Heartbeat(
                daemon=str(age), host="h", pid=1, started_at=START - age, beat_at=START - age
            )
            monitoring.beat(connection, dead)

    with freeze_time(START):
        HeartbeatDuty(app, Working(), identity()).beat()

    assert [row.beat_at for row in known(app.engine)] == [START, START - timedelta(hours=23)]


def test_on_postgresql_a_beat_bears_the_databases_time_whatever_the_machines(
    postgresql_url: str,
) -> None:
    app, now = App(sources.load(db=compares_clocks(postgresql_url))), clock.now()
    with freeze_time(START):
        HeartbeatDuty(app, Working(), identity()).beat()

    [row] = known(app.engine)
    app.close()
    assert abs(row.beat_at - now) < timedelta(hours=1)


def test_a_beat_that_fails_is_missed_and_nothing_else(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    heart = HeartbeatDuty(app, Working(), identity())
    heart.beat()
    with writing(app.engine) as connection:
        desk_tables.heartbeats.drop(connection)

    heart.beat()
    heart.stop()


@pytest.mark.both_databases
def test_since_when_it_cannot_read_its_mark_stays_until_it_can(app: App) -> None:
    unread: str | None = "it is no file"
    heart = HeartbeatDuty(app, Working(), identity(), lambda: unread)
    told = []
    for _ in range(2):
        heart.beat()
        told += known(app.engine)
    unread = None
    heart.beat()
    told += known(app.engine)

    first, again, read = [(row.mark_unread, row.mark_unread_since) for row in told]
    assert first == again == ("it is no file", told[0].beat_at)
    assert read == (None, None)
