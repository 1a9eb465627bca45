"""The replica: which reads it may serve, and which only the primary."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from incidents.app import App
from incidents.cause import Cause
from incidents.desk import Envelope
from incidents.errors import DatabaseError, InputError
from incidents.machine import commands as c
from incidents.settings import sources
from incidents.store.database import hosts, wal_position
from incidents.store.database import replica as replicas
from incidents.store.database.hosts import Hosts, Parameters
from incidents.store.database.primary_position import PrimaryPosition
from incidents.store.database.readiness import check_writable
from incidents.store.database.replica import Replica, ReplicaReadError
from incidents.store.database.wal_position import Position
from incidents.store.desk_state import BEHIND
from incidents.store.postgresql.server_connection import ServerConnection
from incidents.store.schema.tables import sites
from tests.databases import PostgresqlDatabases, compares_clocks
from tests.patience import until
from tests.pgbouncer import pgbouncer
from tests.standby import Standby, durable, standby

Connect = Callable[[Hosts, Parameters], ServerConnection]


@pytest.fixture(scope="module")
def follower(postgresql_databases: PostgresqlDatabases) -> Iterator[Standby]:
    with standby(postgresql_databases) as made:
        yield made


@pytest.fixture
def db(postgresql_url: str, follower: Standby) -> Iterator[str]:
    """A database that the standby has too, and follows."""
    found = compares_clocks(durable(postgresql_url))
    follower.catch_up()
    yield found
    follower.resume()


@contextmanager
def opened(db: str, replica: str, **more: str) -> Iterator[App]:
    """A process of its own, as far as the replica is concerned."""
    environ = {"INCIDENTS_DB": db, "INCIDENTS_DB_REPLICA": replica, **more}
    app = App(sources.load(environ=environ))
    try:
        yield app
    finally:
        app.close()


@pytest.fixture
def app(db: str, follower: Standby) -> Iterator[App]:
    with opened(db, follower.url(db)) as found:
        yield found


@pytest.fixture
def other(db: str) -> Iterator[App]:
    """A process that knows nothing of a replica."""
    made = App(sources.load(environ={"INCIDENTS_DB": db}))
    yield made
    made.close()


def add(app: App, site: str) -> None:
    [answer] = app.desk.submit([Envelope(site=site, command=c.AddSite(by="li"), login="li")])
    assert answer.refusal is None


def names(connection: Connection) -> list[str]:
    return sorted(connection.scalars(sites.select().with_only_columns(sites.c.name)))


def is_replica(connection: Connection) -> bool:
    return bool(connection.scalar(text("SELECT pg_is_in_recovery()")))


def known(app: App) -> Replica:
    assert app.replica is not None
    return app.replica


def test_a_view_comes_from_the_replica_that_shows_all(
    app: App, other: App, follower: Standby
) -> None:
    add(other, "a.example")
    follower.catch_up()

    with app.viewing() as connection:
        assert is_replica(connection)
        assert names(connection) == ["a.example"]


def test_what_leads_to_an_action_comes_from_the_primary(app: App) -> None:
    with app.reading() as connection, app.queries(), app.single_query() as single:
        assert not is_replica(connection)
        assert not is_replica(single)


def test_a_view_that_must_be_the_latest_does_not_wait_for_a_paused_replica(
    app: App, other: App, follower: Standby
) -> None:
    follower.pause()
    add(other, "a.example")

    with app.viewing() as connection:
        assert not is_replica(connection)
        assert names(connection) == ["a.example"]


def test_a_view_may_be_as_old_as_the_limit_and_says_as_of_when_it_is(
    app: App, other: App, follower: Standby
) -> None:
    add(other, "a.example")
    follower.catch_up()
    follower.pause()
    add(other, "b.example")

    with app.viewing(latest=False) as connection:
        assert is_replica(connection)
        assert names(connection) == ["a.example"]
        shown = connection.info[replicas.SHOWN]
        [recorded] = connection.scalars(text("SELECT max(recorded_at) FROM entries"))
        clock = text("SELECT clock_timestamp()")
        behind = connection.info[BEHIND]
        before, now, after = connection.scalar(clock), app.now(connection), connection.scalar(clock)
    assert recorded <= shown.as_of
    # Views count by the time that the replica shows, not by its clock.
    assert before - behind <= now <= after - behind
    assert behind > timedelta(0)
    with other.reading() as connection:
        [later] = connection.scalars(text("SELECT max(recorded_at) FROM entries"))
    assert shown.as_of < later
    assert shown.lag > timedelta(0)


def test_a_process_sees_what_it_has_written(app: App, other: App, follower: Standby) -> None:
    follower.pause()
    add(app, "a.example")

    with app.viewing(latest=False) as connection:
        assert not is_replica(connection)
        assert names(connection) == ["a.example"]

    follower.resume()
    follower.catch_up()
    known(app)._behind_until = 0.0
    with app.viewing(latest=False) as connection:
        assert is_replica(connection)
        assert names(connection) == ["a.example"]


def test_nothing_is_unseen_that_the_primary_has_shown(
    app: App, other: App, follower: Standby
) -> None:
    """A page from the primary, and the next one from a replica that is behind it."""
    follower.pause()
    add(other, "a.example")
    with app.viewing() as connection:
        assert names(connection) == ["a.example"]

    with app.viewing(latest=False) as connection:
        assert names(connection) == ["a.example"]


def test_a_position_from_another_process_is_waited_for(
    app: App, other: App, follower: Standby
) -> None:
    follower.pause()
    with opened(str(other.settings.db), follower.url(str(other.settings.db))) as writer:
        add(writer, "a.example")
        position = known(writer).primary.ask().lsn

    with app.viewing(latest=False, after=position) as connection:
        assert names(connection) == ["a.example"]
    # Nobody can ask for what the primary has not written.
    follower.resume()
    follower.catch_up()
    known(app)._behind_until = 0.0
    with app.viewing(latest=False, after=10**18) as connection:
        assert is_replica(connection)


def test_a_late_answer_of_the_primary_takes_back_nothing(app: App) -> None:
    """One thread asked before a write, and hears the answer after another one's."""
    replica = known(app).primary
    before = replica.ask()
    after = replica.ask()
    later, earlier = replace(after, lsn=after.lsn + 10), before
    replica.note_write()

    replica.learn(later, 1, 4)
    replica.learn(earlier, 0, 3)
    assert replica.seen == later.lsn


def test_a_new_primary_whose_clock_is_behind_is_believed() -> None:
    primary = PrimaryPosition(lambda: pytest.fail("not asked"))
    old = Position(1000, datetime(2026, 3, 1, tzinfo=UTC), "system", "00000001", 1.0)
    new = Position(900, old.at - timedelta(seconds=30), "system", "00000002", 2.0)
    primary.learn(old, 0, 1)
    primary.note_seen(1000)

    primary.learn(new, 0, 2)
    assert (primary.last, primary.seen) == (new, 900)


def test_a_lost_primary_is_not_asked_by_every_read_that_may_be_older(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bool] = []

    def away(_: Connection) -> Position:
        asked.append(True)
        raise OperationalError("SELECT", {}, Exception("nobody answers"))

    monkeypatch.setattr(wal_position, "of_primary", away)
    primary = PrimaryPosition(lambda: create_engine("sqlite://"))
    for latest in (False, False, True):
        assert primary.needed(latest=latest, after=0) == 0
    assert len(asked) == 2


@pytest.mark.parametrize("act", ["a check", "an action that fails"])
def test_what_wrote_nothing_does_not_keep_reads_from_the_replica(
    app: App, other: App, follower: Standby, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    add(other, "a.example")
    follower.catch_up()
    with app.viewing() as connection:
        assert is_replica(connection)
    if act == "a check":
        check_writable(app.engine)
    monkeypatch.setattr(hosts.Hosts, "connect", _only(follower, hosts.Hosts.connect))
    app.bare_engine.dispose()
    if act != "a check":
        with pytest.raises(DatabaseError):
            add(app, "b.example")

    with app.viewing() as connection:
        assert names(connection) == ["a.example"]


def _only(follower: Standby, connect: Connect) -> Connect:
    """A way to connect that finds the standby alone."""
    own = make_url(follower.url("postgresql:///x")).query["host"]

    def found(hosts: Hosts, parameters: Parameters) -> ServerConnection:
        if parameters.get("host") != own:
            raise psycopg.OperationalError("connection failed: nobody answers")
        return connect(hosts, parameters)

    return found


def test_what_the_primary_has_lost_is_waited_for_no_longer(app: App) -> None:
    replica = known(app).primary
    found = replica.ask()
    replica.note_write()
    replica.learn(replace(found, lsn=found.lsn + 10), 1, 2)

    assert replica.ask().lsn < found.lsn + 10
    with app.viewing(latest=False) as connection:
        assert is_replica(connection)


def test_a_replica_beyond_the_limit_is_not_read_and_that_is_said_once(
    app: App, other: App, follower: Standby
) -> None:
    told = list[Cause | None]()
    known(app).on_change = told.append
    follower.pause()
    add(other, "a.example")
    known(app).limit = timedelta(microseconds=1)

    for _ in range(2):
        with app.viewing(latest=False) as connection:
            assert names(connection) == ["a.example"]
    assert [each and each.code for each in told] == ["replica_behind"]

    known(app).limit = timedelta(seconds=10)
    follower.resume()
    follower.catch_up()
    with app.viewing() as connection:
        assert is_replica(connection)
    assert told[-1] is None


def test_a_replica_that_is_gone_is_left_alone_for_a_while(
    db: str, app: App, postgresql_databases: PostgresqlDatabases
) -> None:
    with standby(postgresql_databases) as second:
        second.catch_up()
        with opened(db, second.url(db)) as reader:
            with reader.viewing() as connection:
                assert is_replica(connection)
            second.stop()
            for _ in range(2):
                with reader.viewing() as connection:
                    assert not is_replica(connection)
            trouble = known(reader).trouble
            assert trouble is not None
            assert trouble.code == "replica_away"

            second.start()
            second.catch_up()
            known(reader)._resting_until = float("inf")
            with reader.viewing() as connection:
                assert not is_replica(connection)
            # Who monitors asks at once.
            assert known(reader).ask_state() is not None
            with reader.viewing() as connection:
                assert is_replica(connection)


@pytest.mark.long
def test_a_replica_that_is_frozen_is_left(db: str, app: App, follower: Standby) -> None:
    with app.viewing() as connection:
        assert is_replica(connection)
    with follower.frozen(), app.viewing() as connection:
        assert not is_replica(connection)
    assert (trouble := known(app).trouble) is not None
    assert trouble.code == "replica_away"


def test_a_replica_with_an_older_schema_is_not_read(
    app: App, other: App, follower: Standby
) -> None:
    """After an upgrade, until the replica has it too."""
    with psycopg.connect(str(other.settings.db), autocommit=True) as primary:
        [(head,)] = primary.execute("SELECT version_num FROM alembic_version").fetchall()
        primary.execute("UPDATE alembic_version SET version_num = '0001'")
        follower.catch_up()
        follower.pause()
        primary.execute("UPDATE alembic_version SET version_num = %s", [head])

    with app.viewing(latest=False) as connection:
        assert not is_replica(connection)
    assert (trouble := known(app).trouble) is not None
    assert trouble.code == "replica_unfit"
    assert "older than this program" in trouble


def test_a_read_that_the_replica_cancels_can_be_made_on_the_primary(
    app: App, other: App, follower: Standby
) -> None:
    add(other, "a.example")
    with psycopg.connect(str(other.settings.db), autocommit=True) as primary:
        primary.execute("CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n")
        follower.catch_up()
        follower.configure("max_standby_streaming_delay = 0")

        def read() -> None:
            with app.viewing() as connection:
                assert is_replica(connection)
                connection.scalar(text("SELECT count(*) FROM rows"))
                primary.execute("DELETE FROM rows")
                primary.execute("VACUUM rows")
                again = text("SELECT count(*) FROM rows")
                until(lambda: connection.scalar(again) is None, "the read is cancelled")

        with pytest.raises(ReplicaReadError) as raised:
            read()
    follower.configure("max_standby_streaming_delay = 30s")

    assert "hot_standby_feedback" in raised.value.message
    with app.viewing() as connection:
        assert not is_replica(connection)


def test_a_long_read_runs_again_on_the_primary(app: App) -> None:
    asked = list[str]()

    def look(engine: object) -> str:
        asked.append("replica" if engine is known(app).engine else "primary")
        if asked == ["replica"]:
            raise ReplicaReadError(Cause.of("replica_lost", "gone"))
        return "found"

    assert app.views.run(look) == "found"
    assert asked == ["replica", "primary"]


def test_a_long_read_does_not_go_on_at_a_server_that_is_further_behind(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several servers, the next connection can be to another one."""
    asked = list[str]()

    def look(engine: Engine) -> str:
        asked.append("replica" if engine is known(app).engine else "primary")
        with engine.connect():
            pass
        asked.append("read")
        monkeypatch.setattr(wal_position, "shown_by", lambda _: 1)
        with engine.connect():
            return "found"

    assert app.views.run(look) == "found"
    assert asked == ["replica", "read", "primary", "read"]


def test_others_are_not_bound_by_a_long_read(app: App) -> None:
    with app.viewing():
        pass
    with known(app).insisting(10**18), ThreadPoolExecutor(1) as another:
        assert another.submit(lambda: is_replica_read(app)).result()
        with pytest.raises(ReplicaReadError), known(app).engine.connect():
            pass


def is_replica_read(app: App) -> bool:
    with app.viewing() as connection:
        return is_replica(connection)


def test_the_primary_itself_is_no_replica(db: str) -> None:
    with opened(db, db) as app, app.viewing() as connection:
        assert not is_replica(connection)
        assert (trouble := known(app).trouble) is not None
        assert trouble.code == "replica_no_standby"


def test_a_standby_of_another_database_is_not_read(
    db: str, follower: Standby, postgresql_databases: PostgresqlDatabases
) -> None:
    with postgresql_databases.at_head() as another:
        follower.catch_up()
        with opened(db, follower.url(another)) as app, app.viewing() as connection:
            assert not is_replica(connection)
            assert (trouble := known(app).trouble) is not None
            assert trouble.code == "replica_of_another"


def test_a_standby_that_knows_more_than_the_primary_is_not_read(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failover that lost the end, an old standby may still show it."""
    asked = PrimaryPosition.ask

    def lost(primary: PrimaryPosition) -> Position:
        found = asked(primary)
        primary.last = replace(found, lsn=found.lsn - 100)
        return primary.last

    monkeypatch.setattr(PrimaryPosition, "ask", lost)
    with app.viewing() as connection:
        assert not is_replica(connection)
        assert (trouble := known(app).trouble) is not None
        assert trouble.code == "replica_ahead"


def test_a_standby_that_followed_a_lost_primary_is_not_read(
    db: str, other: App, follower: Standby, postgresql_databases: PostgresqlDatabases
) -> None:
    """It has an entry that the new primary never had, and is behind the new primary's position."""
    with standby(postgresql_databases) as new:
        new.catch_up()
        new.ask("SELECT pg_promote()")
        add(other, "lost.example")
        follower.catch_up()
        with opened(new.url(db), follower.url(db)) as writer:
            add(writer, "a.example")
        new.ask("SELECT pg_logical_emit_message(true, 'tests', repeat('x', 1000000))")

        with opened(new.url(db), follower.url(db)) as app, app.viewing(latest=False) as connection:
            assert names(connection) == ["a.example"]
            assert (trouble := known(app).trouble) is not None
            assert trouble.code == "replica_diverged"


def test_a_standby_behind_a_pooler_does_not_take_a_write(db: str, follower: Standby) -> None:
    with (
        pgbouncer(follower.url(db), size=1, tracked=0) as pooled,
        opened(pooled, db) as app,
        pytest.raises(DatabaseError, match="this server is a standby"),
    ):
        add(app, "a.example")


def test_of_several_servers_one_that_is_a_standby_is_read(db: str, follower: Standby) -> None:
    primary = str(make_url(db).query["host"])
    both = follower.url(db).replace("host=", f"host={primary},")
    with opened(db, both) as app, app.viewing() as connection:
        assert is_replica(connection)


def test_without_a_primary_the_replica_still_shows_what_it_has(
    db: str, other: App, follower: Standby
) -> None:
    add(other, "a.example")
    follower.catch_up()
    nowhere = "postgresql:///desk?host=/nowhere.example"
    with opened(nowhere, follower.url(db)) as app, app.viewing() as connection:
        assert names(connection) == ["a.example"]
        assert known(app).primary.is_lost


def test_without_a_primary_the_limit_holds_too(db: str, other: App, follower: Standby) -> None:
    add(other, "a.example")
    follower.catch_up()
    nowhere = "postgresql:///desk?host=/nowhere.example"
    with opened(nowhere, follower.url(db)) as app:
        known(app).limit = timedelta(microseconds=1)
        with pytest.raises(DatabaseError, match=r"nowhere\.example"), app.viewing():
            pass
        assert (trouble := known(app).trouble) is not None
        assert trouble.code == "replica_behind"


@pytest.mark.parametrize(
    ("database", "replica"),
    [
        ("sqlite:////tmp/desk.example.db", "postgresql:///desk"),
        ("postgresql:///desk", "sqlite:////tmp/desk.example.db"),
    ],
)
def test_only_postgresql_has_replicas(database: str, replica: str) -> None:
    with opened(database, replica) as app, pytest.raises(InputError, match="only with PostgreSQL"):
        _ = app.replica
