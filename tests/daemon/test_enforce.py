"""Enforcing: looks that do what is due, and looks that fail."""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import Engine, text, update
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from incidents import clock
from incidents.app import App
from incidents.daemon import enforce, journal
from incidents.daemon.backlog import BATCH
from incidents.daemon.enforce import WORKING_FOR_S, Enforcement, elapse
from incidents.daemon.journal import Systemd
from incidents.daemon.part import Backoff, database_fault
from incidents.daemon.shared_status import SharedStatus
from incidents.desk import Answer, Desk, Envelope
from incidents.errors import DatabaseError, IncidentsError
from incidents.machine.commands import AddNote, RecordFailure
from incidents.settings import sources
from incidents.store.database.engine import writing
from incidents.store.database.sqlite_file import UnseenError
from incidents.store.log import lineage
from incidents.store.schema.desk_tables import desk as desk_row
from tests.acceptance.daemons import count_in, desk_at, engine_of, log_on
from tests.databases import SqliteDatabases, compares_clocks
from tests.fire import early
from tests.patience import until
from tests.store.migrations import move

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
HOUR, MINUTE, MOMENT = timedelta(hours=1), timedelta(minutes=1), timedelta(microseconds=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def engine(db_url: str) -> Iterator[Engine]:
    with engine_of(db_url) as found:
        yield found


def look_at(engine: Engine, moment: datetime, **how: Any) -> enforce.Elapsed:
    with freeze_time(moment):
        return elapse(engine, Desk(engine), **how)


# What a look does.


def test_where_no_clock_runs_a_look_finds_nothing(engine: Engine) -> None:
    assert look_at(engine, START) == enforce.Elapsed()


def test_a_look_that_finds_nothing_asks_one_question(sqlite_url: str) -> None:
    with engine_of(sqlite_url) as engine:
        log_on(engine, ["a.example"], START)
        asked: list[str] = []
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.set_trace_callback(asked.append)

        look_at(engine, START + MINUTE)

    assert len([sql for sql in asked if sql.startswith("SELECT")]) == 1


def test_at_the_deadline_nothing_is_due_and_a_moment_later_it_is(engine: Engine) -> None:
    log_on(engine, ["a.example"], START)

    at = look_at(engine, START + HOUR)
    after = look_at(engine, START + HOUR + MOMENT)

    assert at == enforce.Elapsed(next_due=START + HOUR)
    assert after == enforce.Elapsed(sites=1, events=2, next_due=START + 13 * HOUR + MOMENT)


def test_batches_go_on_until_nothing_is_due_the_earliest_first(engine: Engine) -> None:
    log_on(engine, ["c.example"], START)
    log_on(engine, ["a.example"], START + MINUTE)
    log_on(engine, ["b.example"], START + 2 * MINUTE)
    order: list[list[str]] = []

    def decide(limit: int) -> None:
        look_at(
            engine, START + 2 * HOUR, limit=limit, stopped=lambda: len(order) == 1 and limit == 2,
            done=lambda answers: order.append([answer.site for answer in answers]),
        )  # fmt: skip

    decide(limit=2)
    first = order[0]
    decide(limit=1)

    assert first == ["c.example", "a.example"]
    assert sorted(site for batch in order for site in batch) == [
        "a.example",
        "b.example",
        "c.example",
    ]


def test_after_a_stop_no_batch_begins(engine: Engine) -> None:
    log_on(engine, [f"{name}.example" for name in "abcde"], START)
    done: list[Answer] = []

    found = look_at(engine, START + 2 * HOUR, limit=1, stopped=lambda: bool(done), done=done.extend)

    # On PostgreSQL another batch may have been under way.
    assert found.sites <= (1 if engine.dialect.name == "sqlite" else 2)
    assert count_in(engine, "suspended") == found.sites == len(done)


def test_a_due_time_of_which_nothing_comes_is_not_tried_for_ever(engine: Engine) -> None:
    log_on(engine, ["a.example"], START)
    with engine.begin() as connection:
        # As no act of the desk leaves it; nothing of the site's case is due yet.
        due = {"due": START - HOUR} if engine.dialect.name == "postgresql" else {"due": 0}
        connection.execute(text("UPDATE sites SET next_due = :due"), due)
    log_on(engine, ["b.example"], START)

    found = look_at(engine, START + MINUTE)

    # Nor is it what the next look waits for.
    assert found == enforce.Elapsed(sites=1, events=0, next_due=START + HOUR)


def test_a_daemon_ahead_of_the_database_does_nothing_before_its_time_there(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does an act, which does what is due first."""
    names = [f"s{n}.example" for n in range(120)]
    now = clock.now()
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + 1.8 * SECOND)
    with engine_of(postgresql_url) as engine:
        for n in range(0, len(names), 20):
            log_on(engine, names[n : n + 20], now - HOUR + (0.6 + n / 50) * SECOND)
        compares_clocks(postgresql_url)
        early.let_the_server_note(engine)
        desk = Desk(engine)
        note = AddNote(by="li", incident=1, audience="desk", text="seen")

        def all_are_suspended() -> bool:
            desk.submit([Envelope(site=names[-1], command=note)])
            elapse(engine, desk)
            return count_in(engine, "suspended") == len(names)

        until(all_are_suspended, "all are suspended")

        assert (early.noted(engine), early.early(engine)) == (len(names), [])


def test_with_another_clock_than_the_databases_nothing_is_done(postgresql_url: str) -> None:
    now = clock.now()
    with engine_of(postgresql_url) as engine:
        log_on(engine, ["a.example"], now - 2 * HOUR)
        log_on(engine, ["b.example"], now)
        rehearsed = look_at(engine, now - 10 * MINUTE)
        compares_clocks(postgresql_url)
        aside = look_at(engine, now + 2 * HOUR)

    assert aside.sites == 0
    assert str(aside.aside).startswith("its clock is 7,")
    assert str(aside.aside).endswith("s ahead of the database's")
    assert rehearsed.sites == 1


# Looks that fail, one after the other.


class Told(Systemd):
    """What systemd is told."""

    def __init__(self) -> None:
        super().__init__({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "1"})
        self.lines: list[str] = []

    def _send(self, line: str) -> None:
        self.lines.append(line)


class Watched:
    """An enforcement whose waiting and waking a test sees."""

    def __init__(self, app: App) -> None:
        self.systemd = Told()
        self.elapsed = 0.0
        self.stopped = False
        self.changes = 0
        self.wakes: list[datetime] = []
        self.shared = SharedStatus()
        self.enforcement = Enforcement(
            app,
            self.systemd,
            stopped=lambda: self.stopped,
            wake_at=self.wakes.append,
            changed=self._changed,
            shared=self.shared,
            backoff=Backoff(monotonic=lambda: self.elapsed, jitter=lambda: 0.0),
            monotonic=lambda: self.elapsed,
        )

    def _changed(self) -> None:
        self.changes += 1

    def works(self) -> bool:
        return self.enforcement.is_working

    def run(self) -> list[str]:
        """One look; what systemd has heard of it."""
        self.systemd.lines.clear()
        self.enforcement.run()
        return list(self.systemd.lines)


@pytest.fixture
def app(sqlite_url: str) -> Iterator[App]:
    found = App(sources.load(db=sqlite_url))
    yield found
    found.close()


@pytest.fixture
def failing(app: App, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], None]:
    """Makes looks fail, until told otherwise."""
    whole = enforce.elapse

    def fail(error: Exception | None) -> None:
        def broken(*_: object, **__: object) -> enforce.Elapsed:
            assert error is not None
            raise error

        monkeypatch.setattr(enforce, "elapse", whole if error is None else broken)

    return fail


def lost(message: str = "the database x does not answer") -> DatabaseError:
    error = DatabaseError(message)
    error.__cause__ = OperationalError("SELECT …", {}, Exception("gone"))
    return error


def events(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]


def test_the_first_good_look_makes_ready_and_feeds_the_watchdog(app: App) -> None:
    watched = Watched(app)
    assert not watched.works()

    heard = watched.run()

    assert heard == ["WATCHDOG=1", "READY=1", "STATUS=enforcing deadlines; nothing is due"]
    assert watched.works()
    assert watched.changes == 1
    assert watched.run() == ["WATCHDOG=1"]
    assert watched.changes == 1


def test_while_nothing_is_carried_out_systemd_is_told_so(app: App) -> None:
    watched = Watched(app)
    watched.run()
    with writing(app.engine) as connection:
        lineage.halt(connection, clock.now(), lineage.LOST_AGAIN)

    halted = watched.run()

    [_, told] = halted
    assert told.startswith("STATUS=enforcing deadlines ON RECORD ONLY: incidents")
    assert told.endswith("; nothing is due")
    with writing(app.engine) as connection:
        connection.execute(update(desk_row).values(halted_since=None))
    assert watched.run() == ["WATCHDOG=1", "STATUS=enforcing deadlines; nothing is due"]


@pytest.mark.parametrize(("decided", "shown"), [(BATCH, True), (BATCH - 1, False)])
def test_after_a_full_batch_the_board_shows_that_more_wait_until_the_look_ends(
    app: App, monkeypatch: pytest.MonkeyPatch, decided: int, *, shown: bool
) -> None:
    log_on(app.engine, ["a.example"], START)
    [answer] = desk_at(app.engine, START + 2 * HOUR).elapse()
    watched = Watched(app)
    seen: list[bool] = []

    def look(*_: object, done: Callable[[list[Answer]], None], **__: object) -> enforce.Elapsed:
        done([answer] * decided)
        seen.append(watched.shared.is_overdue)
        raise lost()

    monkeypatch.setattr(enforce, "elapse", look)
    watched.run()

    assert seen == [shown]
    assert not watched.shared.is_overdue


def test_the_next_due_time_is_what_it_wakes_for(app: App) -> None:
    now = clock.now()
    log_on(app.engine, ["a.example"], now)
    watched = Watched(app)

    watched.run()

    assert watched.wakes == [now + HOUR]


def test_it_wakes_when_the_database_shows_the_due_time_whatever_its_own_clock_says(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(app)
    found = enforce.Elapsed(next_due=START, ahead=1.8 * SECOND)
    monkeypatch.setattr(enforce, "elapse", lambda *_, **__: found)

    watched.run()

    assert watched.wakes == [START + 1.8 * SECOND]


def test_what_fell_due_while_a_look_came_to_its_end_is_woken_for_at_once(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(app)
    passed = clock.now() - timedelta(milliseconds=5)
    monkeypatch.setattr(enforce, "elapse", lambda *_, **__: enforce.Elapsed(next_due=passed))

    watched.run()

    assert watched.wakes == [passed]


def test_a_site_that_another_daemon_has_in_hand_is_nothing_to_wake_for(
    postgresql_url: str,
) -> None:
    with engine_of(postgresql_url) as engine:
        log_on(engine, ["a.example"], START)
        log_on(engine, ["b.example"], START + 2 * HOUR)
        with engine.begin() as another:
            another.execute(text("SELECT id FROM sites WHERE name = 'a.example' FOR UPDATE"))

            found = look_at(engine, START + 2 * HOUR)

    assert found == enforce.Elapsed(next_due=START + 3 * HOUR)


def test_each_decision_is_one_line_without_anybodys_words(
    app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    log_on(app.engine, ["a.example"], clock.now() - 2 * HOUR)

    Watched(app).run()

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    decided = [line for line in lines if line["event"] == "decided"]
    assert [line["kind"] for line in decided] == ["clock_lapsed", "site_suspended"]
    for line in decided:
        assert line["site"] == "a.example"
        assert line["rule"] == "unreachable"
        assert line["late_s"] >= 3_600
        assert line["due"] < line["decided_at"]
        assert "withheld" not in line


def test_decisions_written_at_once_are_the_lines_that_the_log_would_write(
    app: App, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log_on(app.engine, ["a.example"], START)
    log_on(app.engine, ["b.example"], START)
    desk = desk_at(app.engine, START + 2 * HOUR)
    answers = desk.elapse()
    order = answers[0].first_seq + 1
    braked = RecordFailure(order=order, lane="act", adapter="panel", attempts=0, problem="braked")
    answers += desk.submit([Envelope(site=answers[0].site, command=braked)])

    def written() -> list[dict[str, Any]]:
        with freeze_time(START):
            assert journal.decided(answers) == 5
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    at_once = written()
    # Where people read it, each is a call of the log, here still with its JSON.
    one_by_one: list[dict[str, Any]] = []
    with monkeypatch.context() as terminal:
        terminal.setattr(journal, "_on_terminal", lambda: True)
        one_by_one = written()

    assert at_once == one_by_one
    assert len(at_once) == 5
    # It waits for a person.
    assert [line["level"] for line in at_once] == ["info"] * 4 + ["warning"]
    assert (at_once[-1]["kind"], at_once[-1]["problem"]) == ("order_failed", "braked")


def test_no_other_process_can_write_between_the_parts_of_a_line(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe takes so much at once."""
    log_on(app.engine, [f"site-{n}.example" for n in range(20)], START)
    answers = desk_at(app.engine, START + 2 * HOUR).elapse()
    pieces: list[str] = []
    monkeypatch.setattr(sys.stderr, "write", pieces.append)

    assert journal.decided(answers) == 40

    assert len(pieces) > 1
    assert all(len(piece) <= 4_096 and piece.endswith("\n") for piece in pieces)
    assert len([json.loads(line) for line in "".join(pieces).splitlines()]) == 40


def test_a_lost_database_is_told_of_once_and_waited_for(
    app: App, failing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(app)
    watched.run()
    events(capsys)

    failing(lost())
    heard = watched.run()
    assert heard == ["WATCHDOG=1", "STATUS=waiting: the database x does not answer"]
    assert not watched.works()
    assert watched.run() == []  # too early
    watched.elapsed += 60
    watched.run()
    assert events(capsys) == ["deadlines are not being enforced"]

    failing(None)
    watched.elapsed += 60
    watched.run()
    assert events(capsys) == ["enforcing again"]
    assert watched.works()
    assert watched.changes == 2


def test_while_the_start_is_not_complete_systemd_is_asked_for_patience(
    app: App, failing: Any
) -> None:
    watched = Watched(app)
    failing(lost())

    assert "EXTEND_TIMEOUT_USEC=61000000" in watched.run()
    assert "READY=1" not in watched.systemd.lines


def test_a_fault_of_its_own_starves_the_watchdog_but_is_tried_again(
    app: App, failing: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(app)
    failing(ZeroDivisionError("of a customer called …"))

    assert watched.run() == ["STATUS=a fault in this program: ZeroDivisionError"]
    assert "customer" not in capsys.readouterr().err

    failing(None)
    watched.elapsed += 60
    assert "READY=1" in watched.run()


def test_what_no_waiting_will_mend_is_fatal(app: App, failing: Any) -> None:
    watched = Watched(app)
    newer = DatabaseError("the database x is newer than this program")
    failing(newer)

    watched.run()

    assert watched.enforcement.fatal is newer


def test_a_database_that_was_upgraded_under_a_running_daemon_is_fatal(app: App) -> None:
    watched = Watched(app)
    watched.run()
    with app.engine.begin() as connection:
        move(connection, "of-tomorrow", oldest=None)

    watched.run()

    assert "newer than this program" in str(watched.enforcement.fatal)


def test_after_a_stop_no_look_begins(app: App, failing: Any) -> None:
    watched = Watched(app)
    watched.stopped = True
    failing(AssertionError("it looked"))

    assert watched.run() == []


def test_a_look_that_hangs_is_not_believed_in_for_long(app: App) -> None:
    watched = Watched(app)
    watched.run()

    watched.elapsed += WORKING_FOR_S
    assert watched.works()
    watched.elapsed += 0.1
    assert not watched.works()


def test_standing_aside_is_not_being_ready_and_each_change_is_told_once(
    app: App, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(app)
    aside = enforce.Elapsed(aside="its clock is 5.0 s ahead of the database's")
    monkeypatch.setattr(enforce, "elapse", lambda *_, **__: aside)

    heard = watched.run()
    watched.run()
    assert heard == ["WATCHDOG=1", f"STATUS=paused: {aside.aside}"]
    assert len(events(capsys)) == 1
    assert watched.enforcement.aside == aside.aside

    monkeypatch.setattr(enforce, "elapse", lambda *_, **__: enforce.Elapsed())
    assert "READY=1" in watched.run()
    watched.run()
    assert events(capsys) == ["the clocks agree again: enforcing deadlines"]
    assert watched.changes == 2


# What is the matter with a database, and what is not.


@pytest.mark.parametrize("kind", [IntegrityError, DataError])
def test_a_row_that_does_not_fit_is_not_quoted(kind: type[IntegrityError]) -> None:
    error = DatabaseError("Key (phone)=(…) exists")
    error.__cause__ = kind("INSERT …", {}, Exception("Key (phone)=(…) exists"))

    assert database_fault(error) == f"the database refused a row ({kind.__name__})"


def test_a_disk_that_does_not_say_what_is_there_is_trouble_that_passes() -> None:
    error = UnseenError(file="desk.db", why="Input/output error")

    assert database_fault(error) == "cannot check the file desk.db: Input/output error"


@pytest.mark.parametrize("error", [ValueError("x"), IncidentsError("x"), DatabaseError("newer")])
def test_other_errors_are_no_trouble_that_passes(error: Exception) -> None:
    assert database_fault(error) is None


def test_a_file_held_by_another_process_is_trouble_that_passes(
    sqlite_databases: SqliteDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("incidents.store.database.engine.BUSY_TIMEOUT_S", 0.1)
    with sqlite_databases.at_head() as url, engine_of(url) as engine, engine_of(url) as other:
        log_on(engine, ["a.example"], clock.now() - 2 * HOUR)
        with other.connect().execution_options(incidents_writes=True) as held, held.begin():
            with pytest.raises(DatabaseError) as raised:
                elapse(engine, Desk(engine))
            assert "was held by another process" in str(database_fault(raised.value))
        assert elapse(engine, Desk(engine)).sites == 1


def test_a_full_disk_is_trouble_that_passes(
    sqlite_databases: SqliteDatabases,
) -> None:
    with sqlite_databases.at_head() as url, engine_of(url) as engine:
        log_on(engine, [f"site-{n}.example" for n in range(50)], clock.now() - 2 * HOUR)
        with engine.connect() as connection:
            pages = connection.scalar(text("PRAGMA page_count"))
        with engine.connect() as connection:
            connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        with pytest.raises(DatabaseError) as raised:
            elapse(engine, Desk(engine))
        assert "full" in str(database_fault(raised.value))

        with engine.connect() as connection:
            connection.execute(text("PRAGMA max_page_count = 1000000"))
        assert elapse(engine, Desk(engine)).sites == 50
