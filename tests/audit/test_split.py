"""A replay by several processes finds what one finds, of one state, and leaves nobody behind.

Most of it is shown with workers that are threads; that they are processes, where that matters.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, nullcontext
from multiprocessing import Pipe
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import delete, text, update

from incidents.audit import jobs as jobs_module
from incidents.audit import pool
from incidents.audit.jobs import Workers
from incidents.audit.pool import NoPoolError, WorkerLostError, WorkerPool
from incidents.audit.replay import Replay
from incidents.audit.rows import ALL, Finding, Share, Span
from incidents.audit.split import Report, Split, replays
from incidents.cli import main
from incidents.machine import commands as c
from incidents.store.database.engine import reading, writing
from incidents.store.schema import desk_tables, tables
from tests.audit.histories import Histories
from tests.audit.tampering import fill
from tests.audit.worker_threads import WorkerThread
from tests.desk.rehearsal import Rehearsal
from tests.patience import PATIENCE_S, until

Threads = list[WorkerThread]


@pytest.fixture
def day(db_url: str, histories: Histories) -> Iterator[Rehearsal]:
    with histories.after(fill, db_url) as day:
        yield day


@pytest.fixture
def tampered(db_url: str, histories: Histories) -> Iterator[Rehearsal]:
    with histories.after(_filled_and_tampered, db_url) as day:
        yield day


def _alone(day: Rehearsal) -> tuple[list[Finding], int, int]:
    with reading(day.engine) as connection:
        replay = Replay(connection)
        return list(replay.findings()), replay.sites, replay.entries


def _replayed(pool: WorkerPool, shares: list[Share]) -> list[Report]:
    return list(Workers(nullcontext, pool, None, lambda _: None).each(replays(shares, None)))


def _filled_and_tampered(day: Rehearsal) -> None:
    fill(day)
    _tamper(day)


def _tamper(day: Rehearsal) -> None:
    """Something in every share: the desk's stream, sites at both ends, rows of no site, a seal."""
    entries, incidents = desk_tables.entries.c, tables.incidents.c
    with writing(day.engine) as connection:
        mine = entries.site_id == 0
        connection.execute(update(desk_tables.entries).where(mine).values(body="{}"))
        for site_id in (1, 2, 4):
            changed = update(tables.incidents).where(incidents.site_id == site_id)
            connection.execute(changed.values(category="x"))
        connection.execute(
            delete(desk_tables.entries).where(entries.site_id == 3, entries.site_seq > 1)
        )
        connection.execute(update(desk_tables.sealed).values(value="other"))


# ── what is found ────────────────────────────────────────────────────────────────────────────────


def _finds_what_one_finds(day: Rehearsal, processes: int) -> None:
    findings, sites, entries = _alone(day)
    split = Split(day.engine, processes=processes)
    assert list(split.findings()) == findings
    assert {finding.table for finding in findings} >= {"entries", "incidents", "sealed", "sites"}
    assert (split.sites, split.entries) == (sites, entries)


def test_several_processes_find_what_one_finds_in_the_same_order(
    tampered: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []

    class Watched(WorkerPool):
        def __enter__(self) -> Self:
            pool = super().__enter__()
            begun.extend(pool.pids)
            return pool

    monkeypatch.setattr(jobs_module, "WorkerPool", Watched)
    _finds_what_one_finds(tampered, 2)
    assert len(begun) == 2


@pytest.mark.both_databases
def test_so_do_one_and_three_workers_on_either_database(
    tampered: Rehearsal, worker_threads: Threads
) -> None:
    for processes in (1, 3):
        _finds_what_one_finds(tampered, processes)
    assert len(worker_threads) == 3


def test_a_record_that_is_true_is_found_so_and_each_entry_is_told_of(
    day: Rehearsal, worker_threads: Threads
) -> None:
    told: list[int] = []
    split = Split(day.engine, processes=2, done=told.append)
    assert list(split.findings()) == []
    assert (split.sites, split.entries) == _alone(day)[1:]
    assert sum(told) == split.entries


def test_no_more_is_found_than_is_asked_for(tampered: Rehearsal, worker_threads: Threads) -> None:
    findings, *_ = _alone(tampered)
    for processes in (1, 2):
        found = Split(tampered.engine, processes=processes, most=3).findings()
        assert [next(found) for _ in range(3)] == findings[:3]
        found.close()


def test_one_site_is_replayed_alone(tampered: Rehearsal) -> None:
    split = Split(tampered.engine, 2)
    assert {finding.site for finding in split.findings()} == {"b.example"}
    assert split.sites == 1


def test_rows_whose_site_has_no_entries_are_in_a_share_too(
    day: Rehearsal, worker_threads: Threads
) -> None:
    """Beyond the last site on record, and before the first."""
    with closing(sqlite3.connect(str(day.engine.url.database))) as connection:
        for site_id in (-7, 999_999):
            connection.execute(
                "INSERT INTO claims (site_id, item, by, at) VALUES (?, '1', 'li', 0)", [site_id]
            )
        connection.commit()
    findings, sites, _ = _alone(day)
    assert [finding.row for finding in findings] == ["-7-1", "999999-1"]
    split = Split(day.engine, processes=2)
    assert list(split.findings()) == findings
    assert split.sites == sites == 6


def test_a_small_database_is_replayed_by_this_process_alone(
    day: Rehearsal, worker_threads: Threads
) -> None:
    assert list(Split(day.engine).findings()) == []
    assert worker_threads == []


def test_a_large_database_is_replayed_by_as_many_as_there_are_processors(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch, worker_threads: Threads
) -> None:
    monkeypatch.setattr(jobs_module, "FEW_ENTRIES", 1)
    for processors, begun in ((range(3), 3), ({0}, 0)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, n=processors: set(n))
        worker_threads.clear()
        assert list(Split(day.engine).findings()) == []
        assert len(worker_threads) == begun


# ── of one state ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_all_processes_see_one_state_while_the_desk_writes(
    day: Rehearsal, worker_threads: Threads
) -> None:
    before = _alone(day)
    halves = [Share(desk=True, sites=Span(None, 2)), Share(sites=Span(2, None), seals=Span())]
    with WorkerPool(day.engine, 2) as pool:
        for site in ("a.example", "d.example"):
            assert day.give(c.EditSite(by="li", phone="010 5555 0199"), site).refusal is None
        told = _replayed(pool, halves)
    assert [finding for report in told for finding in report.findings] == []
    assert sum(report.entries for report in told) == before[2] == _alone(day)[2] - 2


def test_nobody_writes_to_a_file_while_its_state_is_shared(day: Rehearsal) -> None:
    file = str(day.engine.url.database)
    before = len(day.rows("SELECT id FROM entries"))
    with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other, ExitStack() as s:
        with pool.share_snapshot(day.engine) as name:
            one = s.enter_context(pool.join_snapshot(day.engine, name))
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("BEGIN IMMEDIATE")
        assert day.give(c.EditSite(by="li", phone="010 5555 0199")).refusal is None
        assert one.scalar(text("SELECT count(*) FROM entries")) == before


def test_where_no_state_can_be_shared_one_process_does_it_alone(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch, worker_threads: Threads
) -> None:
    """Somebody writes, and does not end: a read, which waits for nobody, must not begin to."""
    monkeypatch.setattr(pool, "PATIENCE_S", 0.05)
    with writing(day.engine):
        with pytest.raises(NoPoolError, match="locked"), WorkerPool(day.engine, 2):
            raise AssertionError("it was entered")
        split = Split(day.engine, processes=2)
        assert list(split.findings()) == []
        assert split.sites == 4


def test_where_no_process_can_be_started_this_one_does_it_alone(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with pytest.raises(NoPoolError, match="no script of an interpreter"), WorkerPool(day.engine, 2):
        raise AssertionError("it was entered")
    split = Split(day.engine, processes=2)
    assert list(split.findings()) == []
    assert split.sites == 4


# ── and its end ──────────────────────────────────────────────────────────────────────────────────


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _until_gone(pids: list[int]) -> None:
    until(lambda: not any(map(_runs, pids)), "the end of the processes")


def test_what_goes_wrong_in_a_process_is_told(day: Rehearsal, worker_threads: Threads) -> None:
    with writing(day.engine) as connection:
        connection.execute(text("ALTER TABLE work RENAME TO play"))
    with (
        WorkerPool(day.engine, 2) as pool,
        pytest.raises(WorkerLostError, match=r"the database .*work"),
    ):
        _replayed(pool, [ALL])


def test_when_nobody_wants_more_findings_the_processes_end(
    tampered: Rehearsal, worker_threads: Threads
) -> None:
    found = Split(tampered.engine, processes=2).findings()
    next(found)
    assert [worker.runs for worker in worker_threads] == [True, True]
    found.close()
    assert [worker.runs for worker in worker_threads] == [False, False]


# ── on the command line ──────────────────────────────────────────────────────────────────────────


def _command(day: Rehearsal, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    url = day.engine.url.set(drivername=day.engine.dialect.name).render_as_string(False)
    status = main(["audit", "replay", "--json", "--db", url])
    answer = capsys.readouterr()
    return status, answer.out, answer.err


def test_the_command_answers_the_same_whoever_does_the_work(
    day: Rehearsal,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    worker_threads: Threads,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    for status in (0, 5):
        alone = _command(day, capsys)
        assert alone[0] == status
        with monkeypatch.context() as large:
            large.setattr(jobs_module, "FEW_ENTRIES", 1)
            assert _command(day, capsys) == alone
        _tamper(day)
    assert len(worker_threads) == 4


def test_a_killed_process_is_one_sentence_to_whoever_has_asked_and_the_other_ends(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pids: list[int] = []

    class Killed(WorkerPool):
        def __enter__(self) -> Self:
            pool = super().__enter__()
            pids.extend(pool.pids)
            os.kill(pool.pids[0], signal.SIGKILL)
            return pool

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(jobs_module, "FEW_ENTRIES", 1)
    monkeypatch.setattr(jobs_module, "WorkerPool", Killed)
    status, out, err = _command(day, capsys)
    assert (status, out) == (1, "")
    [line] = err.splitlines()
    assert json.loads(line)["error"]["name"] == "worker_lost"
    assert "killed by signal 9" in line
    assert "proves nothing" in line
    assert len(pids) == 2
    _until_gone(pids)


# ── nobody is left behind ────────────────────────────────────────────────────────────────────────

_SLEEPER = """
import signal, sys
from incidents.audit.pool import WorkerPool
from incidents.store.database.engine import create

# Who runs the tests in the background may have it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
with WorkerPool(create(sys.argv[1]), 2) as pool:
    print(*pool.pids, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    "ending", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_no_process_outlives_the_one_that_has_started_it(db_url: str, ending: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SLEEPER, db_url], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, process_group=0,
    ) as owner:  # fmt: skip
        assert owner.stdout is not None
        pids = [int(pid) for pid in owner.stdout.readline().split()]
        assert len(pids) == 2
        # To all of its group, as the terminal does it.
        os.killpg(owner.pid, ending)
        assert owner.wait(PATIENCE_S) != 0
    _until_gone(pids)


@pytest.mark.long
def test_a_process_that_is_not_told_what_to_do_ends_in_silence() -> None:
    ours, its = Pipe()
    ours.close()
    with its:
        end = its.fileno()
        worker = subprocess.run(
            [
                sys.executable, "-c",
                "from incidents.audit.pool import main; main()", str(end),
            ],
            pass_fds=[end], capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
    assert worker.returncode == 0, worker.stderr
