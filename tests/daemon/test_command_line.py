"""`incidents daemon` on the command line, but for running it."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy.exc import OperationalError

from incidents import views
from incidents.cli import main
from incidents.daemon import recovery_duty
from incidents.desk import Envelope, resumption
from incidents.desk.resumption import ANOTHER_SERVER, ENTRIES_LOST, Resumption
from incidents.enforcement import routing
from incidents.enforcement.port import Order, Outcome, Retry, State
from incidents.enforcement.routing import Routing
from incidents.errors import DONE, FAILED, MISUSED, DatabaseError
from incidents.machine.commands import AddSite, RecordDelivery, SetHold
from incidents.store import monitoring
from incidents.store.database.engine import writing
from incidents.store.log import lineage
from incidents.store.monitoring import Heartbeat
from tests.acceptance.daemons import carried_out, desk_at, engine_of, log_on, site, story
from tests.conftest import WriteSettings
from tests.databases import compares_clocks

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

NOTHING_IS_ENFORCED = (
    "NOTHING IS ENFORCED: {} only logged, because [acts] in the settings names no adapter but log"
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    db_url: str,
    now: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs `incidents daemon …` now; its status and what it wrote."""
    monkeypatch.setenv("INCIDENTS_DB", db_url)
    monkeypatch.setenv("INCIDENTS_CLOCK", "own")

    def daemon(*words: str) -> tuple[int, str, str]:
        status = main(["daemon", *words])
        return status, *capsys.readouterr()

    return daemon


@pytest.fixture
def now() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time(START) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen


def due(url: str, n: int) -> None:
    """Sites whose clock has run out."""
    with engine_of(url) as engine:
        log_on(engine, [f"site-{i:02}.example" for i in range(n)], START - 2 * HOUR)


def beat(
    url: str, at: datetime, aside: str | None = None, mailbox_unread: str | None = None
) -> None:
    with engine_of(url) as engine, writing(engine) as connection:
        row = Heartbeat(
            daemon="h-1-ab", host="h", pid=1, started_at=START - HOUR, beat_at=at,
            standing_aside=aside, mailbox_unread=mailbox_unread,
        )  # fmt: skip
        monitoring.beat(connection, row)


def halt(url: str) -> None:
    """Nothing is carried out from it until a person goes on."""
    with engine_of(url) as engine, writing(engine) as connection:
        lineage.halt(connection, START, lineage.LOST_AGAIN)


# --once


def test_once_answers_how_many_sites_and_what_was_decided(db_url: str, run: Run) -> None:
    due(db_url, 2)

    status, out, err = run("--once", "--json")

    found = json.loads(out)
    assert status == DONE
    # A program reads the answer; a line of the log for each order is all that is beside it.
    assert [json.loads(line)["order"] for line in err.splitlines()] == ["1-o4", "2-o4"]
    assert found["sites"] == 2
    assert [(e["site"], e["kind"], e["seq"]) for e in found["events"]] == [
        ("site-00.example", "clock_lapsed", 3), ("site-00.example", "site_suspended", 4),
        ("site-01.example", "clock_lapsed", 3), ("site-01.example", "site_suspended", 4),
    ]  # fmt: skip


def test_once_tells_people_the_first_decisions_and_counts_all(db_url: str, run: Run) -> None:
    due(db_url, 15)

    status, out, _ = run("--once", "--zone", "UTC")

    lines = out.splitlines()
    assert status == DONE
    assert lines[1] == "site-00.example suspended until 2026-03-01 22:00 (R2, unreachable)"
    assert lines[-2] == "… and 10 more (all with --json)"
    assert lines[-1] == "15 sites: 15 × clock lapsed, 15 × site suspended"


def test_once_in_quiet_names_the_sites(db_url: str, run: Run) -> None:
    due(db_url, 2)

    status, out, err = run("--once", "-q")

    assert (status, out) == (DONE, "site-00.example\nsite-01.example\n")
    assert err.splitlines()[2:] == [NOTHING_IS_ENFORCED.format("2 orders")]


def test_once_carries_out_what_it_has_decided_and_says_that_nothing_is_enforced(
    db_url: str, run: Run
) -> None:
    due(db_url, 1)

    status, _, err = run("--once")

    logged, told = err.splitlines()
    assert status == DONE
    assert json.loads(logged)["event"].startswith("NOTHING IS ENFORCED: this order is only logged")
    assert json.loads(logged)["kind"] == "suspend"
    assert told == NOTHING_IS_ENFORCED.format("1 order")
    with engine_of(db_url) as engine:
        assert carried_out(engine)
        last = story(engine, "site-00.example")[-1]
        assert site(engine, "site-00.example")["in_force"] == "active"
    assert (last["kind"], last["actor"], last["data"]["adapter"]) == (
        "order_delivered", "courier", "log",
    )  # fmt: skip
    assert "enforced" not in last["data"]


class Away:
    """A panel that does not answer."""

    name = "panel"

    def deliver(self, _order: Order) -> Outcome:
        return Retry(problem="http_503")

    def state(self, _site: str) -> State | None:
        return None


def test_once_counts_what_was_not_carried_out_before_a_recovery_and_after_it(
    db_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the desk has ordered, and what is ordered again since the record has lost its end."""
    monkeypatch.setattr(routing, "load", lambda: Routing(default=Away()))
    due(db_url, 2)
    with engine_of(db_url) as engine:
        of_calm = [
            AddSite(by="operator-1"), SetHold(by="boss", reason="by order of a court"),
            RecordDelivery(order=2, lane="act", adapter="panel", attempts=1, enforced=True),
        ]  # fmt: skip
        for command in of_calm:
            [answer] = desk_at(engine, START).submit(
                [Envelope(site="calm.example", command=command)]
            )
            assert answer.refusal is None
        with writing(engine) as connection:
            resumption.resume(connection, Resumption(cause=ANOTHER_SERVER), lambda: START)

    status, _, err = run("--once")

    assert status == DONE
    assert "3 orders not carried out. See: incidents orders list" in err.splitlines()


def test_once_tells_a_loss_before_and_after_the_world_was_compared(db_url: str, run: Run) -> None:
    due(db_url, 1)
    with engine_of(db_url) as engine, writing(engine) as connection:
        lost = Resumption(cause=ENTRIES_LOST, had=99)
        resumption.resume(connection, lost, lambda: START)
    assert "THE RECORD LOST ITS LATEST ENTRIES" in run("status")[1]
    assert "checking the actual state of all sites against the record" in run("status")[1]

    assert run("--once")[0] == DONE

    out = run("status")[1]
    assert "THE RECORD LOST ITS LATEST ENTRIES (detected 0 s ago)" in out
    assert "checking the actual state" not in out


def test_once_does_the_rest_where_the_recovery_cannot_be_done(
    db_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(db_url, 1)

    def broken(*_: object) -> None:
        raise DatabaseError(detail="it is away")

    monkeypatch.setattr(recovery_duty, "once", broken)
    status, _, err = run("--once")

    assert status == DatabaseError.exit_status
    assert "it is away" in err
    assert NOTHING_IS_ENFORCED.format("1 order") in err


def test_once_with_nothing_due_is_silent_for_the_sake_of_crons_mail(run: Run) -> None:
    assert run("--once") == (DONE, "", "")


def test_once_fails_where_nothing_can_be_written_though_nothing_was_due(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    monkeypatch.setattr(monitoring, "beat", full)
    status, out, err = run("--once")
    assert (status, out) == (FAILED, "")
    assert "full" in err


def test_once_opens_a_site_whose_hours_are_over(db_url: str, run: Run) -> None:
    with engine_of(db_url) as engine:
        log_on(engine, ["a.example"], START - 20 * HOUR)
        desk_at(engine, START - 18 * HOUR).elapse()

    _, out, _ = run("--once", "--json")

    kinds = [event["kind"] for event in json.loads(out)["events"]]
    assert kinds == ["suspension_ended", "task_opened"]


def test_the_queue_says_when_what_was_due_was_last_done_once_and_is_not_alarmed(
    db_url: str, run: Run, now: FrozenDateTimeFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    due(db_url, 1)
    run("--once")
    now.tick(40)

    main(["queue"])

    err = capsys.readouterr().err
    assert "no daemon is running; daemon --once last ran 40 s ago" in err
    assert "NO DAEMON ENFORCES" not in err
    status, out, _ = run("status")
    assert status == DONE
    assert out.startswith(
        "deadlines are enforced as often as cron, or you, run daemon --once\n"
        "  daemon --once last ran 40 s ago\n"
    )


def test_a_daemon_that_died_is_named_beside_what_was_done_once(
    db_url: str, run: Run, now: FrozenDateTimeFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    due(db_url, 1)
    run("--once")
    beat(db_url, datetime.now(UTC))
    now.tick(33)

    main(["queue"])

    err = capsys.readouterr().err
    assert "no daemon is running: h-1-ab is dead or disconnected, last seen 33 s ago; " in err


def test_when_cron_has_stopped_the_queue_is_loud_again(
    db_url: str, run: Run, now: FrozenDateTimeFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    run("--once")
    now.tick(11 * 60)

    main(["queue"])

    err = capsys.readouterr().err
    assert "NO DAEMON IS ENFORCING THE DEADLINES: no daemon is running; daemon --once last" in err
    assert "11 min ago. Start one: incidents daemon" in err


def test_once_with_a_wrong_clock_does_nothing_and_says_why(
    postgresql_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", compares_clocks(postgresql_url))
    with freeze_time(START):
        status = main(["daemon", "--once"])

    assert status == FAILED
    assert "behind the database's. Set this machine's clock" in capsys.readouterr().err


# status


def test_status_names_a_fault_of_the_settings_though_a_daemon_runs_with_earlier_ones(
    db_url: str, run: Run, write_settings: WriteSettings
) -> None:
    beat(db_url, START)
    assert run("status")[0] == DONE
    write_settings('[alarms]\nchannels = ["nobody"]\n')
    fault = "the section [notices] of the settings file has no"
    status, out, _ = run("status")
    assert (status, f"settings fault: {fault}" in out) == (FAILED, True), out
    status, out, _ = run("status", "--json")
    assert (status, json.loads(out)["enforced_by"]) == (FAILED, "daemon")
    assert json.loads(out)["settings_fault"].startswith(fault)


def test_without_a_daemon_status_is_loud_and_fails(db_url: str, run: Run) -> None:
    due(db_url, 3)

    status, out, err = run("status", "--zone", "UTC")

    assert status == FAILED
    assert out.splitlines()[:3] == [
        "NO DAEMON IS ENFORCING THE DEADLINES",
        "overdue: 3 sites, the first since 2026-03-01 09:00 UTC (1 h overdue)",
        "  site-00.example: 2026-03-01 09:00 UTC (1 h overdue)",
    ]
    assert "incidents daemon --once" in err


def test_status_says_why_no_reports_are_received(db_url: str, run: Run) -> None:
    beat(db_url, START, mailbox_unread="the server refused the login")
    status, out, _ = run("status")
    assert status == DONE
    assert "REPORTS ARE NOT RECEIVED from the mailbox: the server refused the login" in out
    beat(db_url, START)
    assert "mailbox" not in run("status")[1]


def test_with_a_daemon_status_says_since_when(db_url: str, run: Run) -> None:
    beat(db_url, START - 3 * SECOND)

    status, out, err = run("status", "--zone", "UTC")

    assert (status, err) == (DONE, "")
    assert out.splitlines() == [
        "deadlines are being enforced",
        "  h-1-ab: enforcing since 2026-03-01 09:00; last seen 3 s ago",
        "nothing is overdue",
    ]


def test_status_says_that_another_server_has_taken_over_and_not_that_anything_is_lost(
    db_url: str, run: Run
) -> None:
    beat(db_url, START)
    with engine_of(db_url) as engine, writing(engine) as connection:
        resumption.resume(connection, Resumption(cause=ANOTHER_SERVER), lambda: START)

    lines = run("status")[1].splitlines()

    told = [line.partition(":")[0] for line in lines if "SERVER" in line or "checking" in line]
    assert told == [
        "ANOTHER DATABASE SERVER TOOK OVER (detected 0 s ago)",
        "checking the actual state of all sites against the record; started 0 s ago",
    ]
    assert not any("LOST" in line for line in lines)


@pytest.mark.parametrize("words", [(), ("--json",), ("-q",)])
def test_while_nothing_is_carried_out_status_fails_and_does_not_say_that_all_is_well(
    db_url: str, run: Run, words: tuple[str, ...]
) -> None:
    beat(db_url, START)
    halt(db_url)

    status, out, _ = run("status", *words)

    assert status == FAILED
    if not words:
        assert (
            out.splitlines()[0]
            == "deadlines are being enforced ON RECORD ONLY: no orders are carried out"
        )
        assert any("NO ORDERS ARE BEING CARRIED OUT" in line for line in out.splitlines())


def test_while_nothing_is_carried_out_once_decides_and_fails(db_url: str, run: Run) -> None:
    due(db_url, 1)
    halt(db_url)

    status, out, err = run("--once")

    assert status == FAILED
    assert "1 site: " in out
    assert "no orders of this database are carried out until a person resumes" in err


def test_status_of_a_server_of_before_says_nothing_of_the_record(
    db_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat(db_url, START)
    of_now = views.enforcement

    def of_before(*asked: Any) -> Any:
        return {name: told for name, told in of_now(*asked).items() if name != "history"}

    monkeypatch.setattr(views, "enforcement", of_before)
    assert run("status")[0] == DONE


def test_a_daemon_not_heard_of_is_not_believed(db_url: str, run: Run) -> None:
    beat(db_url, START - 60 * SECOND)

    status, out, _ = run("status")

    assert status == FAILED
    assert "h-1-ab: dead or disconnected; last seen 1 min ago" in out


def test_a_daemon_that_stands_aside_enforces_nothing(db_url: str, run: Run) -> None:
    beat(db_url, START, aside="its clock is 9.0 s behind the database's")

    status, out, _ = run("status")

    assert status == FAILED
    assert "NO DAEMON IS ENFORCING THE DEADLINES" in out
    assert "h-1-ab: PAUSED, its clock is 9.0 s behind the database's" in out


def test_status_for_programs_has_the_daemons_and_what_is_overdue(db_url: str, run: Run) -> None:
    due(db_url, 1)
    beat(db_url, START)

    status, out, _ = run("status", "--json")

    found = json.loads(out)
    assert status == DONE
    assert found["beating"] is True
    assert found["overdue"] == 1
    assert [daemon["pid"] for daemon in found["daemons"]] == [1]
    assert run("status", "-q") == (DONE, "h-1-ab\n", "")
    assert run("status", "--format", "csv")[1].startswith("daemon,host,pid")


def test_status_and_once_exclude_each_other(run: Run) -> None:
    status, _, err = run("status", "--once")

    assert status == MISUSED
    assert "exclude each other" in err
