"""Real processes for the tests of the daemon: started, given a simulated clock, waited for."""

import json
import os
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine.commands import AddSite, Command, Log
from incidents.machine.orders import ACT
from incidents.store import monitoring
from incidents.store.database import engine as engines
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import deliveries
from incidents.store.schema.tables import sites, suspensions
from tests.nursery import FAKETIME_SETTINGS, Child, Outcome, nursery_for, run
from tests.patience import PATIENCE_S, until

DECIDED = ("site_added", "incident_logged", "clock_lapsed", "site_suspended")
"""The events of a site that was suspended once."""


class Timeline:
    """The simulated clock of all processes that are given its environment: real time, moved.

    Waiting goes on in real time (`monotonic` is left alone), as when a machine's clock is set.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "clock"
        self._offset = timedelta(0)
        self.move(timedelta(0))

    def move(self, by: timedelta) -> None:
        """Set the clock of all of them forward or back."""
        self._offset += by
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._offset.total_seconds():+.6f}\n")
        # A database server has a user of its own, who lives by it too.
        new.chmod(0o644)
        new.rename(self._file)

    def move_to(self, moment: datetime) -> None:
        """Set the clock of all of them to `moment`."""
        self.move(moment - self.now())

    def now(self) -> datetime:
        """The time of their clocks."""
        return clock.now() + self._offset

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that lives by this clock."""
        return _faked(FAKETIME_TIMESTAMP_FILE=str(self._file))


def clock_moved(by: timedelta) -> dict[str, str]:
    """The environment of a process whose clock is off by that much."""
    return _faked(FAKETIME=f"{by.total_seconds():+.6f}")


def _faked(**variables: str) -> dict[str, str]:
    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), **FAKETIME_SETTINGS, **variables}


def environment(url: str, *more: Mapping[str, str]) -> dict[str, str]:
    """A process's variables: those of this one, the database, and more."""
    found = {**os.environ, "INCIDENTS_DB": url, "INCIDENTS_AS": "operator-1"}
    for variables in more:
        found |= variables
    return found


def incidents(
    url: str, *words: str, env: Mapping[str, str] | None = None, status: int = 0, **how: Any
) -> Outcome:
    """Run `incidents WORDS…` as a process of its own, to its end."""
    done = run(words, env=environment(url, env or {}), **how)
    assert (done.status, done.late) == (status, False), (words, done)
    return done


class Daemon:
    """A running `incidents daemon`, and its log."""

    def __init__(self, process: Child, log: Path) -> None:
        self.process = process
        self._log = log

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of the log so far, or those that say `event`."""
        found = [json.loads(line) for line in self._log.read_text().splitlines(keepends=True)
                 if line.endswith("\n") and line.startswith("{")]  # fmt: skip
        return [line for line in found if event in (None, line["event"])]

    def says(self, event: str) -> dict[str, Any]:
        """Wait for a line that says `event`; return the first one."""
        return until(lambda: self.lines(event), f"the daemon says {event!r}")[0]

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and wait; return the exit status, negative for a signal."""
        self.process.send_signal(by)
        return self.process.wait(PATIENCE_S)

    def text(self) -> str:
        """The whole log."""
        return self._log.read_text()


@contextmanager
def daemon(
    url: str,
    folder: Path,
    *,
    env: Mapping[str, str] | None = None,
    stderr: Path | None = None,
    **how: Any,
) -> Iterator[Daemon]:
    """Run a daemon until the `with` block ends."""
    log = folder / f"daemon-{len(list(folder.glob('daemon-*')))}.log"
    variables = environment(url, env or {})
    with (stderr or log).open("wb") as errors, Path(os.devnull).open("rb") as nothing:
        streams = nothing.fileno(), errors.fileno(), errors.fileno()
        process = nursery_for(variables).begin(["daemon"], env=variables, streams=streams, **how)
    try:
        yield Daemon(process, log)
    finally:
        process.kill()


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """The database, for looking into it from the test's own process."""
    engine = engines.create(url)
    try:
        yield engine
    finally:
        engine.dispose()


def desk_at(engine: Engine, moment: datetime) -> Desk:
    """A desk that stands at that time: it writes the history that a test begins with."""
    return Desk(engine, clock=lambda: moment)


def log_on(engine: Engine, names: Sequence[str], at: datetime) -> None:
    """Add the sites and logs a violation on each, at that time."""
    commands: list[tuple[str, Command]] = []
    for name in names:
        commands.append((name, AddSite(by="operator-1")))
        commands.append((name, Log(by="operator-1", urls=(f"http://{name}/",))))
    desk = desk_at(engine, at)
    for first in range(0, len(commands), 1_000):
        batch = [Envelope(site=n, command=c) for n, c in commands[first : first + 1_000]]
        answers = desk.submit(batch)
        assert all(answer.refusal is None for answer in answers)


def site(engine: Engine, name: str) -> dict[str, Any]:
    """The site's row."""
    with engine.connect() as connection:
        found = connection.execute(select(sites).where(sites.c.name == name)).mappings().one()
        return dict(found)


def story(engine: Engine, name: str) -> list[dict[str, Any]]:
    """The events of a site, from the first."""
    with engine.connect() as connection:
        bodies = connection.scalars(
            select(entries.c.body)
            .join(sites, sites.c.id == entries.c.site_id)
            .where(sites.c.name == name)
            .order_by(entries.c.site_seq)
        )
        return [json.loads(body) for body in bodies]


def count_in(engine: Engine, state: str) -> int:
    """Count the sites in that state."""
    with engine.connect() as connection:
        counted = select(func.count()).select_from(sites).where(sites.c.state == state)
        return connection.scalar(counted) or 0


def heartbeats_of(engine: Engine) -> list[monitoring.Heartbeat]:
    """The daemons that are known, the one that was heard of last before the others."""
    with engine.connect() as connection:
        return monitoring.known_daemons(connection)


def carried_out(engine: Engine, *, lane: str = ACT) -> bool:
    """Whether no order waits in that lane any more."""
    with engine.connect() as connection:
        left = select(func.count()).select_from(deliveries).where(deliveries.c.lane == lane)
        return not connection.scalar(left)


def assert_decided_once(engine: Engine, names: Sequence[str]) -> None:
    """Each site was suspended once, and its entries are numbered without a gap.

    Of an order that was carried out there is one entry more; every other one waits.
    """
    with engine.connect() as connection:
        made = select(suspensions.c.site_id, func.count()).group_by(suspensions.c.site_id)
        assert {n for _, n in connection.execute(made)} == {1}
        waits = connection.scalars(select(deliveries.c.site_id).where(deliveries.c.lane == ACT))
        waiting = Counter(waits)
        told = select(entries.c.site_id, entries.c.site_seq, entries.c.body)
        ordered = told.where(entries.c.site_id > 0).order_by(entries.c.site_id, entries.c.site_seq)
        found: dict[int, list[tuple[int, str]]] = defaultdict(list)
        for site_id, seq, body in connection.execute(ordered):
            found[site_id].append((seq, json.loads(body)["kind"]))
    assert len(found) == len(names)
    for site_id, numbered in found.items():
        outcome = () if waiting[site_id] else ("order_delivered",)
        assert numbered == list(enumerate((*DECIDED, *outcome), start=1))
    assert set(waiting.values()) <= {1}
