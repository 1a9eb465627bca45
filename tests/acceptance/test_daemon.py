"""The daemon as a process: on time, stopped and killed, under clocks that lie."""

import json
import os
import shutil
import signal
import socket
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import Engine, text

from incidents import clock
from incidents.daemon.backlog import BATCH
from incidents.store import desk_state
from tests.acceptance.daemons import (
    Timeline,
    assert_decided_once,
    carried_out,
    clock_moved,
    count_in,
    daemon,
    desk_at,
    engine_of,
    heartbeats_of,
    incidents,
    log_on,
    site,
    story,
)
from tests.databases import PostgresqlDatabases, SqliteDatabases, compares_clocks
from tests.patience import PATIENCE_S, until

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
# Milliseconds, but on a machine of any load: nothing else makes it wake within the hour.
ON_TIME = timedelta(seconds=PATIENCE_S)
OWN = {"INCIDENTS_CLOCK": "own"}
MANY = tuple(f"site-{n:03}.example" for n in range(BATCH + 40))


def kinds(entries: list[dict[str, object]]) -> list[object]:
    return [entry["kind"] for entry in entries]


# On time.


def test_the_daemon_suspends_at_the_deadline_and_opens_twelve_hours_later(
    db_url: str, tmp_path: Path
) -> None:
    timeline = Timeline(tmp_path)
    env = timeline.environment | OWN
    incidents(db_url, "site", "add", "a.example", env=env)
    incidents(db_url, "log", "a.example", env=env)
    with engine_of(db_url) as engine, daemon(db_url, tmp_path, env=env) as running:
        until(lambda: heartbeats_of(engine), "the daemon enforces")
        deadline = site(engine, "a.example")["next_due"]
        timeline.move_to(deadline - SECOND)
        suspended = until(lambda: running.lines("decided"), "the clock lapses")

        opens_at = until(lambda: site(engine, "a.example")["suspended_until"], "suspended")
        until(lambda: carried_out(engine), "the suspension is carried out")
        timeline.move_to(opens_at - SECOND)
        until(lambda: site(engine, "a.example")["state"] == "active", "open again")
        until(lambda: carried_out(engine), "the reopening is carried out")
        entries = story(engine, "a.example")

    assert suspended[0]["kind"] == "clock_lapsed"
    assert suspended[0]["due"] == clock.rfc3339(deadline)
    assert kinds(entries) == [
        "site_added", "incident_logged", "clock_lapsed", "site_suspended", "order_delivered",
        "suspension_ended", "task_opened", "order_delivered",
    ]  # fmt: skip
    made, ended = (clock.read_rfc3339(str(entries[n]["recorded_at"])) for n in (3, 5))
    assert timedelta(0) < made - deadline < ON_TIME
    assert opens_at == made + 12 * HOUR
    assert timedelta(0) < ended - opens_at < ON_TIME


def test_a_daemon_wakes_for_a_due_time_that_another_process_writes_after_it_started(
    postgresql_url: str, tmp_path: Path
) -> None:
    with engine_of(postgresql_url) as engine, daemon(postgresql_url, tmp_path) as running:
        until(lambda: heartbeats_of(engine), "the daemon enforces")
        # By an operator whose clock is 57 minutes behind: it lapses in three seconds.
        behind = clock_moved(3 * SECOND - HOUR)
        incidents(postgresql_url, "site", "add", "a.example", env=behind)
        incidents(postgresql_url, "log", "a.example", env=behind)
        assert site(engine, "a.example")["state"] == "active"

        decided = running.says("decided")

    assert decided["kind"] == "clock_lapsed"
    assert 0 < decided["late_s"] < ON_TIME.total_seconds()


@pytest.mark.both_databases(long="postgresql")
def test_after_a_day_of_downtime_what_is_due_is_done_once_and_nothing_else_is_opened(
    db_url: str, tmp_path: Path
) -> None:
    now = clock.now()
    with engine_of(db_url) as engine:
        log_on(engine, ["suspended.example"], now - 27 * HOUR)
        desk_at(engine, now - 25.5 * HOUR).elapse()
        log_on(engine, ["missed.example"], now - 25 * HOUR)

        with daemon(db_url, tmp_path):
            until(lambda: count_in(engine, "suspended") == 1, "the missed one is suspended")
            until(lambda: site(engine, "suspended.example")["state"] == "active", "opened")
            until(lambda: carried_out(engine), "both are carried out")
        missed, opened = site(engine, "missed.example"), story(engine, "suspended.example")
        [made] = [e for e in story(engine, "missed.example") if e["kind"] == "site_suspended"]

    # Twelve hours from when it was really made, however late the daemon was.
    assert missed["state"] == "suspended"
    assert missed["suspended_until"] == clock.read_rfc3339(made["recorded_at"]) + 12 * HOUR
    assert missed["suspended_until"] > now + 12 * HOUR
    # Nobody had tried to suspend it: that is cancelled with its reopening, and done to nobody.
    assert kinds(opened)[3:] == [
        "site_suspended", "suspension_ended", "task_opened", "order_cancelled", "order_cancelled",
    ]  # fmt: skip


def test_any_number_of_daemons_decide_each_site_once(db_url: str, tmp_path: Path) -> None:
    names = MANY[:120]
    with engine_of(db_url) as engine:
        log_on(engine, names, clock.now() - 2 * HOUR)

        with daemon(db_url, tmp_path), daemon(db_url, tmp_path), daemon(db_url, tmp_path):
            until(lambda: count_in(engine, "suspended") == len(names), "all are suspended")
            until(lambda: len(heartbeats_of(engine)) == 3, "all three enforce")

        assert_decided_once(engine, names)


# Stopped, and killed.


def test_sigterm_amid_due_sites_finishes_the_batch_in_hand_and_exits_0(
    postgresql_url: str, tmp_path: Path
) -> None:
    with engine_of(postgresql_url) as engine:
        log_on(engine, MANY, clock.now() - 2 * HOUR)

        with engine.begin() as connection:
            # As a new policy does, for which each batch waits.
            desk_state.lock_policy_exclusive(connection)
            with daemon(postgresql_url, tmp_path) as running:
                until(lambda: waits_for_the_policy(engine), "it is in the middle of a batch")
                running.process.send_signal(signal.SIGTERM)
                assert running.says("stopping")["signal"] == "SIGTERM"
                connection.rollback()

                assert running.process.wait() == 0
                assert running.lines("stopped")
        assert count_in(engine, "suspended") == BATCH
        assert heartbeats_of(engine) == []

        incidents(postgresql_url, "daemon", "--once")
        assert_decided_once(engine, MANY)


@pytest.mark.both_databases(long="postgresql")
def test_sigkill_amid_due_sites_loses_nothing_and_the_next_daemon_finishes(
    db_url: str, tmp_path: Path
) -> None:
    with engine_of(db_url) as engine:
        log_on(engine, MANY, clock.now() - 2 * HOUR)

        with daemon(db_url, tmp_path) as running:
            until(lambda: count_in(engine, "suspended"), "it has begun")
            assert running.stop(signal.SIGKILL) == -signal.SIGKILL

        with daemon(db_url, tmp_path):
            until(lambda: count_in(engine, "suspended") == len(MANY), "all are suspended")
        assert_decided_once(engine, MANY)


def test_a_second_signal_ends_the_daemon_at_once(postgresql_url: str, tmp_path: Path) -> None:
    with engine_of(postgresql_url) as engine, daemon(postgresql_url, tmp_path) as running:
        until(lambda: heartbeats_of(engine), "the daemon enforces")
        with engine.begin() as connection:
            connection.execute(text("LOCK TABLE sites IN ACCESS EXCLUSIVE MODE"))
            until(lambda: waits_for_a_lock(engine), "it is in the middle of a look")
            running.process.send_signal(signal.SIGTERM)
            running.says("stopping")
            assert running.process.poll() is None

            assert running.stop(signal.SIGINT) == -signal.SIGINT


def waits_for_a_lock(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def waits_for_the_policy(engine: Engine) -> bool:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'"
    with engine.connect() as connection:
        return bool(connection.scalar(text(asked)))


# Seen, and not seen.


def test_status_is_loud_when_nothing_enforces_the_clock(sqlite_url: str, tmp_path: Path) -> None:
    with engine_of(sqlite_url) as engine:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        alone = incidents(sqlite_url, "daemon", "status", status=1)
        assert "NO DAEMON IS ENFORCING THE DEADLINES" in alone.stdout
        assert "overdue: 1 site" in alone.stdout
        assert "a.example" in alone.stdout

        with daemon(sqlite_url, tmp_path) as running:
            until(lambda: heartbeats_of(engine), "the daemon enforces")
            assert (
                "deadlines are being enforced" in incidents(sqlite_url, "daemon", "status").stdout
            )
            running.stop(signal.SIGKILL)

        # A dead one takes nothing back, but is not believed for long.
        later = clock_moved(15 * SECOND)
        dead = incidents(sqlite_url, "daemon", "status", "--json", env=later, status=1)
        assert json.loads(dead.stdout)["beating"] is False


# Clocks that lie.


def test_a_clock_that_is_set_back_is_logged_and_nothing_waits_for_the_old_time(
    sqlite_url: str, tmp_path: Path
) -> None:
    timeline = Timeline(tmp_path)
    env = timeline.environment
    with engine_of(sqlite_url) as engine, daemon(sqlite_url, tmp_path, env=env) as running:
        until(lambda: heartbeats_of(engine), "the daemon enforces")
        incidents(sqlite_url, "site", "add", "a.example", env=env)
        incidents(sqlite_url, "log", "a.example", env=env)

        timeline.move(-3 * HOUR)
        assert running.says("this machine's clock was set back")["drift_s"] < -10_000
        incidents(sqlite_url, "contact", "1-1", "no-answer", env=env)
        incidents(sqlite_url, "site", "add", "b.example", env=env)
        incidents(sqlite_url, "log", "b.example", env=env)
        timeline.move_to(site(engine, "b.example")["next_due"])
        until(lambda: site(engine, "b.example")["state"] == "suspended", "b is suspended on time")

        assert site(engine, "a.example")["state"] == "active"
        told = story(engine, "a.example")
        times = [entry["recorded_at"] for entry in told]
        assert kinds(told) == ["site_added", "incident_logged", "contact_recorded"]
        assert times == sorted(times)


def test_a_daemon_whose_clock_is_wrong_stands_aside_and_says_so(
    postgresql_url: str, tmp_path: Path
) -> None:
    timeline = Timeline(tmp_path)
    timeline.move(HOUR)
    env = timeline.environment
    with engine_of(postgresql_url) as engine:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        compares_clocks(postgresql_url)

        with daemon(postgresql_url, tmp_path, env=env) as running:
            running.says("paused: this daemon is not enforcing deadlines")
            [beat] = until(lambda: heartbeats_of(engine), "it says so to all")
            once = incidents(postgresql_url, "daemon", "--once", env=env, status=1)
            status = incidents(postgresql_url, "daemon", "status", status=1)
            assert count_in(engine, "suspended") == 0

            timeline.move(-HOUR)
            until(lambda: count_in(engine, "suspended"), "it enforces with the right clock")
            running.says("the clocks agree again: enforcing deadlines")

    assert "ahead of the database's" in str(beat.standing_aside)
    # By the database's clock, and not by its own.
    assert abs(beat.beat_at - clock.now()) < HOUR / 2
    assert "ahead of the database's" in once.stderr
    assert "PAUSED" in status.stdout


# Databases that are not there.


def test_a_daemon_waits_for_its_database_and_is_ready_when_it_enforces(
    sqlite_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "volume" / "incidents.db"
    with Manager(tmp_path) as manager:
        url = f"sqlite:///{file}"
        with daemon(url, tmp_path, env=manager.environment) as running:
            said = running.says("deadlines are not being enforced")
            assert "cannot open the file" in said["reason"]
            assert "READY=1" not in manager.heard()

            file.parent.mkdir()
            shutil.copyfile(sqlite_url.removeprefix("sqlite:///"), file)
            until(lambda: "READY=1" in manager.heard(), "ready")
            running.says("enforcing again")


def test_a_daemon_outlives_its_server_and_goes_on(
    postgresql_url: str, postgresql_databases: PostgresqlDatabases, tmp_path: Path
) -> None:
    name = postgresql_url.split("///")[1].split("?", maxsplit=1)[0]
    with (
        engine_of(postgresql_databases.url("postgres")) as server,
        daemon(postgresql_url, tmp_path) as running,
        engine_of(postgresql_url) as engine,
    ):
        until(lambda: heartbeats_of(engine), "the daemon enforces")
        refuse_connections(server, name, refuse=True)
        running.says("deadlines are not being enforced")

        refuse_connections(server, name, refuse=False)
        running.says("enforcing again")
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        until(lambda: count_in(engine, "suspended"), "it enforces")
        assert len(running.lines("deadlines are not being enforced")) <= 2


def refuse_connections(server: Engine, name: str, *, refuse: bool) -> None:
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        allowed = "false" if refuse else "true"
        connection.execute(text(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS {allowed}"))
        if refuse:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(text(ended), {"name": name})


def test_a_database_of_another_program_ends_the_daemon_with_one_sentence(
    sqlite_databases: SqliteDatabases, tmp_path: Path
) -> None:
    with sqlite_databases.empty() as url:
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as theirs:
            theirs.execute("CREATE TABLE somebody_elses (x INTEGER)")

        with daemon(url, tmp_path) as running:
            assert running.process.wait() == 1
            assert "another program" in running.text().splitlines()[-1]


def test_a_log_that_cannot_be_written_stops_no_clock(sqlite_url: str, tmp_path: Path) -> None:
    with engine_of(sqlite_url) as engine:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)

        with daemon(sqlite_url, tmp_path, stderr=Path("/dev/full")) as running:
            until(lambda: count_in(engine, "suspended"), "it enforces all the same")
            assert running.stop() == 0


def test_on_postgresql_a_site_in_somebodys_hands_holds_up_no_other(postgresql_url: str) -> None:
    with engine_of(postgresql_url) as engine:
        log_on(engine, ["a.example", "b.example"], clock.now() - 2 * HOUR)

        with engine.begin() as connection:
            connection.execute(text("SELECT 1 FROM sites WHERE name = 'a.example' FOR UPDATE"))
            done = json.loads(incidents(postgresql_url, "daemon", "--once", "--json").stdout)
            incidents(postgresql_url, "contact", "b.example", "reached")
        rest = json.loads(incidents(postgresql_url, "daemon", "--once", "--json").stdout)

    assert {event["site"] for event in done["events"]} == {"b.example"}
    assert {event["site"] for event in rest["events"]} == {"a.example"}


# The service manager.


class Manager:
    """The service manager's end of the socket, as sd_notify(3) describes it."""

    def __init__(self, folder: Path, *, abstract: bool = False) -> None:
        self._name = f"@incidents-{folder.name}-{os.getpid()}" if abstract else str(folder / "s")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self._name.replace("@", "\0", 1) if abstract else self._name)
        self._socket.setblocking(False)
        self._heard: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def environment(self) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self._name, "WATCHDOG_USEC": "60000000"}

    def heard(self) -> list[str]:
        """The lines that have come so far."""
        with suppress(BlockingIOError):
            while True:
                self._heard += self._socket.recv(4096).decode().splitlines()
        return self._heard


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_the_service_manager_hears_when_the_daemon_is_ready_alive_and_stopping(
    sqlite_url: str, tmp_path: Path, *, abstract: bool
) -> None:
    with Manager(tmp_path, abstract=abstract) as manager:
        with daemon(sqlite_url, tmp_path, env=manager.environment, anew=abstract) as running:
            until(lambda: manager.heard().count("WATCHDOG=1") > 1, "the watchdog is fed")
            assert running.stop() == 0
        heard = manager.heard()

    assert "STATUS=enforcing deadlines; nothing is due" in heard
    told = [line for line in heard if line in ("READY=1", "STOPPING=1")]
    assert told == ["READY=1", "STOPPING=1"]
    assert heard[-1] == "STOPPING=1"
