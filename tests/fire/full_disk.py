"""A full disk: a small one that fills up while an operator logs and a daemon enforces the clock.

Nothing that was acknowledged is lost, what fails says that the disk is full, looking still works,
the daemon stays up and says that deadlines are not being enforced; once there is room again, all
goes on automatically. The disk is a tmpfs of a few MiB, so that has to be run as root.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from incidents import clock
from incidents.desk import Envelope
from incidents.machine.commands import AddSite, Command, Log
from incidents.store.database import schema
from incidents.views.health import is_alive
from tests.acceptance.daemons import (
    Daemon,
    count_in,
    daemon,
    desk_at,
    engine_of,
    heartbeats_of,
)
from tests.fire import fault_record as checked
from tests.fire.fault_calls import run_to_the_end
from tests.fire.server import Server, crashing_server
from tests.nursery import Outcome
from tests.patience import until

UNIT = "full disks"
MIB = 2**20
SQLITE_DISK, SERVER_DISK = 4 * MIB, 192 * MIB
# The number of overdue sites each time that the disk is full.
DUE = 40
DESK, OVERDUE = "desk-{}.example", "due-{}-{}.example"
_NOT_ENFORCED = "deadlines are not being enforced"


class Disk:
    """A small disk of its own, at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no byte free."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (MIB, 4_096, 1):
                with suppress(OSError):
                    while ballast.write(b"\0" * size) == size:
                        pass

    def make_room(self) -> None:
        """Give back what was filled."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Disk]:
    """Mounts one of `size` bytes at `folder` until the `with` block ends."""
    folder.mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "small-disk", str(folder))
    try:
        yield Disk(folder)
    finally:
        # A killed process may hold a file for a moment longer.
        until(lambda: not _fails("umount", str(folder)), f"{folder} is let go of")


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)


def _fails(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, check=False).returncode != 0


class Operator:
    """Log violations through `incidents`, one on each site, and write the answers down."""

    def __init__(self, url: str) -> None:
        self.acknowledged: dict[str, str] = {}
        self.failed: dict[str, Outcome] = {}
        self._env = {"INCIDENTS_DB": url, "INCIDENTS_AS": "operator-1"}
        self._n = 0

    def log(self) -> bool:
        """One more; whether it was acknowledged."""
        self._n += 1
        return self._log(DESK.format(self._n))

    def log_again(self) -> None:
        """All that failed, with the same keys; now it is done."""
        for site in list(self.failed):
            assert self._log(site), ("it does not go on", self.failed[site])

    def say(self, *words: str) -> Outcome:
        """Any command."""
        return run_to_the_end(words, env=self._env)

    def _log(self, site: str) -> bool:
        ended = self.say("log", site, "--key", f"the log of {site}", "--json")
        if ended.status != 0:
            self.failed[site] = ended
            return False
        incident = json.loads(ended.stdout)["incident"]["id"]
        # A repeated command has its first answer.
        assert self.acknowledged.setdefault(site, incident) == incident
        self.failed.pop(site, None)
        return True


def make_history(url: str, turns: int) -> None:
    """Make sites for the operator, and some whose clocks will lapse."""
    schema.upgrade(url, rehearsal=True)
    sites = [DESK.format(n) for n in range(1, 300)]
    sites += [OVERDUE.format(turn, n) for turn in range(turns) for n in range(DUE)]
    _submit(url, {site: AddSite(by="operator-1") for site in sites}, timedelta(days=2))


def _make_overdue(url: str, turn: int) -> None:
    """Log two hours ago, so that clocks have been due for an hour."""
    sites = [OVERDUE.format(turn, n) for n in range(DUE)]
    _submit(url, {site: Log(by="operator-1") for site in sites}, timedelta(hours=2))


def _submit(url: str, commands: Mapping[str, Command], ago: timedelta) -> None:
    envelopes = [Envelope(site=site, command=command) for site, command in commands.items()]
    with engine_of(url) as engine:
        answers = desk_at(engine, clock.now() - ago).submit(envelopes)
    assert all(answer.refusal is None for answer in answers)


def on_sqlite(seed: int, folder: Path, turns: int = 2) -> Counter[str]:
    """One run on a SQLite file, whose disk is filled so often.

    Raises:
        AssertionError: saying what was not true.
    """
    with small_disk(folder / "disk", SQLITE_DISK) as disk:
        url = f"sqlite:///{disk.folder / 'incidents.db'}"
        return _fill_up(url, disk, seed, folder, turns, full="is full")


def on_postgresql(seed: int, folder: Path) -> Counter[str]:
    """One run on a server whose data folder is on the disk; it dies of it, and is started again.

    Raises:
        AssertionError: saying what was not true.
    """
    with (
        # The server has a user of its own there, who cannot look into a folder of ours.
        tempfile.TemporaryDirectory(prefix="incidents-disk-") as outside,
        small_disk(Path(outside, "disk"), SERVER_DISK) as disk,
        _temporary_files_in(disk.folder),
        crashing_server() as server,
        server.databases.empty() as url,
    ):
        full = "cannot use the database"
        return _fill_up(url, disk, seed, folder, 2, full=full, server=server)


def _fill_up(
    url: str,
    disk: Disk,
    seed: int,
    folder: Path,
    turns: int,
    *,
    full: str,
    server: Server | None = None,
) -> Counter[str]:
    chance = random.Random(seed)
    figures = Counter[str]({UNIT: 0})
    make_history(url, turns)
    operator = Operator(url)
    with daemon(url, folder) as running, engine_of(url) as engine:
        until(lambda: heartbeats_of(engine), "the daemon enforces")
        for turn in range(turns):
            before = len(running.lines(_NOT_ENFORCED))
            # It must find nothing to do until the disk is full.
            _pause(running, url)
            _make_overdue(url, turn)
            for _ in range(chance.randrange(3, 12)):
                assert operator.log(), operator.failed
            _log_until_full(operator, disk, chance, full)
            figures["refused for want of room"] += len(operator.failed)
            os.killpg(running.process.pid, signal.SIGCONT)
            if server is not None and turn == 1:
                _lose_the_server(url, server, running, before)
                figures["servers lost"] += 1
            else:
                _assert_daemon_tells(running, operator, disk, before, engine)
            _assert_looking_works(operator, server)
            disk.make_room()
            if server is not None and not server.runs:
                server.crashed = True
                server.start()
            until(operator.log, "there is room again")
            operator.log_again()
            decided = partial(_are_suspended, engine, (turn + 1) * DUE)
            until(decided, "what is due is done by itself")
            figures[UNIT] += 1
        status = running.stop()
        assert status == 0, (status, running.text())
        assert "Traceback" not in running.text()
    figures["acknowledged"] += len(operator.acknowledged)
    _assert_record(url, operator, turns)
    return figures


def _pause(running: Daemon, url: str) -> None:
    """Stop the daemon in its tracks; but not while it holds the lock of a SQLite file."""

    def paused() -> bool:
        os.killpg(running.process.pid, signal.SIGSTOP)
        if not url.startswith("sqlite:///"):
            return True
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=0.5)) as connection:
            connection.isolation_level = None
            with suppress(sqlite3.OperationalError):
                connection.execute("BEGIN IMMEDIATE")
                return True
        os.killpg(running.process.pid, signal.SIGCONT)
        return False

    until(paused, "the daemon holds no lock")


def _log_until_full(operator: Operator, disk: Disk, chance: random.Random, full: str) -> None:
    """Some acts go on being done, in room that the database has already."""
    wanted = chance.randrange(3, 6)

    def enough_failed() -> bool:
        disk.fill()
        if not operator.log():
            ended = list(operator.failed.values())[-1]
            assert ended.status == 1, ended
            checked.assert_clear(ended.stderr, sentences=[full])
        return len(operator.failed) >= wanted

    until(enough_failed, "the operator minds that the disk is full", looks=200)


def _assert_daemon_tells(
    running: Daemon, operator: Operator, disk: Disk, before: int, engine: Engine
) -> None:
    """Check that it stays up and says why it cannot act, and that a look says so too."""

    def told() -> list[dict[str, Any]]:
        disk.fill()
        return running.lines(_NOT_ENFORCED)[before:]

    def is_silent() -> bool:
        disk.fill()
        with suppress(DBAPIError):
            return not any(is_alive(beat, clock.now()) for beat in heartbeats_of(engine))
        return False

    until(told, "the daemon says that deadlines are not being enforced")
    until(is_silent, "its heart does not beat")
    assert "NO DAEMON IS ENFORCING THE DEADLINES" in operator.say("queue").stderr
    assert running.process.poll() is None, running.text()


def _assert_looking_works(operator: Operator, server: Server | None) -> None:
    """Check that reading takes no room."""
    if server is not None:
        return
    for words in (["queue"], ["site", "list"], ["audit", "export"]):
        ended = operator.say(*words)
        assert ended.status == 0, ended


def _lose_the_server(url: str, server: Server, running: Daemon, before: int) -> None:
    """It panics, and is gone; the daemon waits for it."""
    _use_up_the_log(url)
    if server.runs:
        server.stop("immediate")
    until(lambda: running.lines(_NOT_ENFORCED)[before:], "the daemon says so")
    assert running.process.poll() is None, running.text()


def _use_up_the_log(url: str) -> None:
    """Without room for its next piece the server panics, if it has not before."""
    with suppress(psycopg.OperationalError):
        while True:
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("SELECT pg_logical_emit_message(false, 'more', 'more')")
                connection.execute("SELECT pg_switch_wal()")


def _are_suspended(engine: Engine, sites: int) -> bool:
    with suppress(DBAPIError):
        return count_in(engine, "suspended") >= sites
    return False


def _assert_record(url: str, operator: Operator, turns: int) -> None:
    """Nothing acknowledged is lost, nothing is there twice; no clock was early, and each once."""
    with engine_of(url) as engine:
        record = checked.recorded(engine)
    logged = Counter(
        (entry["site"], entry["data"]["incident"])
        for entry in record.entries
        if entry["kind"] == "incident_logged" and entry["site"].startswith("desk-")
    )
    assert set(logged.values()) == {1}
    assert not operator.failed
    assert dict(logged.keys()) == operator.acknowledged, "not what the operator was told"
    due: dict[str, str] = {}
    suspended = Counter[str]()
    for entry in record.entries:
        if entry["kind"] == "incident_logged":
            due[entry["site"]] = entry["data"]["contact_due"]
        if entry["kind"] == "site_suspended":
            suspended[entry["site"]] += 1
            assert entry["recorded_at"] > due[entry["site"]], ("early", entry)
    expected = [OVERDUE.format(turn, n) for turn in range(turns) for n in range(DUE)]
    assert suspended == Counter(expected)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """The server's data folder is a temporary one: for once it lies there."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Two disks filled and freed, twice each: a SQLite file's, then a server's.

    Raises:
        AssertionError: saying what was not true.
    """
    figures = Counter[str]()
    for kind, run in (("sqlite", on_sqlite), ("postgresql", on_postgresql)):
        here = folder / f"{kind}-{seed}-{os.getpid()}"
        here.mkdir(parents=True)
        try:
            figures += run(seed, here)
        except AssertionError as error:
            error.add_note(f"again: python -c 'from tests.fire.full_disk import *; "
                           f"on_{kind}({seed}, Path(tempfile.mkdtemp()))'")  # fmt: skip
            raise
        shutil.rmtree(here)
    return figures
