"""Clocks that lie: steps, leaps over the end of summer time, machines that do not agree.

Real processes live by simulated clocks. The *main* clock is that of the first daemon and of the
first operator; on PostgreSQL the server lives by it too, so that the whole installation leaps. The
*other* clock is that of a second machine, with a daemon and an operator of its own.

What is promised: on PostgreSQL a daemon that is more than two seconds off the database's clock
stands aside and says so, and an act that is more than five minutes off it is refused. SQLite
has no clock: each process believes its own. On both no site's entries go back, whatever the clock
does, and nothing is due before its time by the clock that decides it; the checker looks.
"""

import json
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, func, select

from incidents.locale.words import TimeFormat
from incidents.store.schema.tables import sites
from tests.acceptance.daemons import Daemon, Timeline, daemon, engine_of, heartbeats_of
from tests.databases import compares_clocks, postgresql_server, sqlite_folder
from tests.fire import checker
from tests.fire.cell import Cell
from tests.fire.ledger import Intent, Ledger, acknowledgement
from tests.nursery import Outcome
from tests.patience import until

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
TRUSTED = 2 * SECOND
MOST_APART = 5 * MINUTE
STEPS = 40
UNIT = "steps"

CHANGES = {
    "America/Chicago, autumn": ("America/Chicago", datetime(2026, 11, 1, 7, tzinfo=UTC)),
    "America/Chicago, spring": ("America/Chicago", datetime(2026, 3, 8, 8, tzinfo=UTC)),
    "Australia/Lord_Howe, autumn": ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    "Australia/Lord_Howe, spring": (
        "Australia/Lord_Howe",
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    ),
    "Asia/Shanghai, 1990": ("Asia/Shanghai", datetime(1990, 9, 15, 17, tzinfo=UTC)),
    "Asia/Shanghai, never again": ("Asia/Shanghai", datetime(2026, 11, 1, 7, tzinfo=UTC)),
}
"""When the clocks of a zone are changed, each with the zone in which people read."""

_SITES = tuple(f"{word}.example" for word in ("one", "two", "three", "four"))
_TIMED = ("clock_lapsed", "site_suspended", "suspension_ended", "site_closed")
_LEAPS = (HOUR, -HOUR, HOUR / 2, -HOUR / 2, -3 * HOUR, 13 * HOUR, 24 * HOUR, 30 * SECOND, -SECOND)
_SKEWS = (
    0 * SECOND, SECOND, -SECOND, 10 * SECOND, -10 * SECOND, 4 * MINUTE, -4 * MINUTE, 6 * MINUTE,
    HOUR, -HOUR, 24 * HOUR,
)  # fmt: skip


@dataclass
class Machine:
    """A machine: its clock, the cell in which its operator types, and its daemon."""

    clock: Timeline
    cell: Cell
    daemon: Daemon


@dataclass
class Scene:
    """Two machines and one database, and what the operators have written down."""

    url: str
    engine: Engine
    zone: str
    main: Machine
    other: Machine
    script: list[str]
    ledger: Ledger = field(default_factory=Ledger)
    figures: Counter[str] = field(default_factory=Counter)
    decided_aside: int | None = None

    @property
    def has_a_clock(self) -> bool:
        """Whether the database has a clock of its own."""
        return self.url.startswith("postgresql")

    @property
    def skew(self) -> timedelta:
        """The time by which the other clock is ahead of the main clock."""
        return self.other.clock.now() - self.main.clock.now()

    # Events.

    def leap(self, by: timedelta) -> None:
        """Set the main clock, and the database's with it."""
        self._check_aside()
        self.script.append(f"the main clock leaps by {by}")
        self.main.clock.move(by)
        self.figures["leaps"] += 1
        self.settle()

    def twitch(self, by: timedelta, for_s: float) -> None:
        """Set the main clock and, a moment later, set it back, just before something is due.

        Then no clock is set any more: what is due must be done all the same.
        """
        due = self.next_due()
        if due is None:
            return
        self.leap_to(due - 2.5 * SECOND)
        until(lambda: self.main.clock.now() > due - 1.5 * SECOND, "the leap has been noticed")
        self.script.append(f"the main clock leaps by {by}, and back {for_s:.2f} s later")
        self.main.clock.move(by)
        time.sleep(for_s)  # nothing is waited for: it is the moment that is drawn
        self.main.clock.move(-by)
        self.figures["twitches"] += 1
        until(lambda: self.main.clock.now() > due, "it is due")
        self.settle()

    def next_due(self) -> datetime | None:
        """The earliest time at which something falls due."""
        with self.engine.connect() as connection:
            found: datetime | None = connection.scalar(select(func.min(sites.c.next_due)))
            return found

    def leap_to(self, moment: datetime) -> None:
        """Set the main clock to a moment."""
        self.leap(moment - self.main.clock.now())

    def set_apart(self, skew: timedelta) -> None:
        """Set the other clock so far ahead of the main clock."""
        self._check_aside()
        self.script.append(f"the other clock is set {skew} ahead of the main clock")
        self.other.clock.move_to(self.main.clock.now() + skew)
        self.figures["clocks set apart"] += 1
        self.settle()

    def act(self, machine: Machine, kind: str, *words: str) -> Outcome:
        """Type an act on one of the machines; `kind` is the entry that it makes."""
        number = len(self.ledger.intents) + 1
        key, actor = f"act-{number}", f"operator-{number}"
        site = next((word for word in words if word in _SITES), "")
        self.ledger.intend(Intent(key=key, site=site, actor=actor, kind=kind))
        ahead = self.skew if machine is self.other else 0 * SECOND
        where = "main" if machine is self.main else "other"
        line = [*words, "--key", key, "--as", actor, "--zone", self.zone, "--json"]
        self.script.append(f"on the {where} machine: incidents {' '.join(line)}")
        done = machine.cell.run(line)
        refusal, document = _answer(done)
        self.ledger.acknowledge(acknowledgement(key, document, refusal))
        self.figures[f"acts: {refusal or 'done'}"] += 1
        if abs(abs(ahead) - MOST_APART) > SECOND:
            must = self.has_a_clock and abs(ahead) > MOST_APART
            wrong = "clock_ahead" if ahead > 0 * SECOND else "clock_behind"
            assert (refusal == wrong) == must, (refusal, ahead)
        return done

    # Checks.

    def settle(self) -> None:
        """Wait until nothing is overdue, and the other daemon stands where it must."""
        until(lambda: not self._overdue(), "nothing is overdue by the main clock")
        if self.has_a_clock and abs(abs(self.skew) - TRUSTED) > 0.5 * SECOND:
            aside = abs(self.skew) > TRUSTED
            until(lambda: self._other_stands_aside() == aside, f"standing aside: {aside}")
            self.decided_aside = self._decided_by_the_other() if aside else None
            self.figures["stood aside"] += aside

    def _check_aside(self) -> None:
        """A daemon that stands aside decides nothing, however much is due."""
        if self.decided_aside is not None:
            assert self._decided_by_the_other() == self.decided_aside, "decided while aside"
            self.decided_aside = None

    def _decided_by_the_other(self) -> int:
        return len(self.other.daemon.lines("decided"))

    def _overdue(self) -> bool:
        due = self.next_due()
        return due is not None and due < self.main.clock.now()

    def _other_stands_aside(self) -> bool:
        pid = self.other.daemon.process.pid
        beats = heartbeats_of(self.engine)
        return any(beat.pid == pid and beat.standing_aside is not None for beat in beats)

    def check(self) -> Counter[str]:
        """All that the checker knows, over the record so far."""
        self._check_aside()
        due_by = min(self.main.clock.now(), self.other.clock.now()) - SECOND
        return checker.check_database(self.url, [self.ledger], due_by=due_by)


def _answer(done: Outcome) -> tuple[str | None, dict[str, Any]]:
    """The name of the refusal, if it is one, and the document of the answer."""
    if done.status == 0:
        return None, json.loads(done.out)
    assert done.status == 3, done
    # A warning of a clock that has stepped back stands before it.
    refused = json.loads(done.err.splitlines()[-1])["refused"]
    return refused["name"], {"site": None, "events": []}


@contextmanager
def scene(kind: str, zone: str, start: datetime, folder: Path) -> Iterator[Scene]:
    """Two machines whose clocks show `start`, on a database of that kind."""
    with ExitStack() as stack:
        # The server has a user of its own, who must be able to read the time.
        clocks = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="incidents-clocks-")))
        clocks.chmod(0o755)
        main, other = _timeline(clocks / "main", start), _timeline(clocks / "other", start)
        url = stack.enter_context(_database(kind, main))
        room = folder / "room"
        room.mkdir()

        def machine(timeline: Timeline) -> Machine:
            own = timeline.environment | {"TZ": zone}
            variables = {**os.environ, **own, "INCIDENTS_DB": url}
            cell = Cell(room, variables)
            return Machine(timeline, cell, stack.enter_context(daemon(url, folder, env=own)))

        told = [f"{kind}, {zone}, at {start}"]
        engine = stack.enter_context(engine_of(url))
        made = Scene(url, engine, zone, machine(main), machine(other), told)
        for name in _SITES:
            made.act(made.main, "site_added", "site", "add", name)
        yield made


def _timeline(folder: Path, start: datetime) -> Timeline:
    folder.mkdir()
    folder.chmod(0o755)
    timeline = Timeline(folder)
    timeline.move_to(start)
    return timeline


@contextmanager
def _database(kind: str, main: Timeline) -> Iterator[str]:
    if kind == "sqlite":
        with sqlite_folder() as files, files.at_head() as url:
            yield url
        return
    before = dict(os.environ)
    os.environ.update(main.environment)
    try:
        server = postgresql_server()
        databases = server.__enter__()
    finally:
        for name in main.environment.keys() - before.keys():
            del os.environ[name]
    try:
        with databases.at_head() as url:
            yield compares_clocks(url)
    finally:
        server.__exit__(None, None, None)


def chunk(seed: int, folder: Path) -> Counter[str]:
    """A seeded sequence of acts and steps of the clocks, checked to its end."""
    return drawn(seed, folder, STEPS)


def drawn(seed: int, folder: Path, steps: int) -> Counter[str]:
    """Run that many steps of it; on SQLite, with an odd seed on PostgreSQL."""
    chance = random.Random(seed)
    kind = ("sqlite", "postgresql")[seed % 2]
    zone, change = CHANGES[chance.choice(sorted(CHANGES))]
    start = change - chance.choice((10 * MINUTE, 50 * MINUTE, 90 * MINUTE))
    with scene(kind, zone, start, folder) as made:
        try:
            for _ in range(steps):
                _step(made, chance, change)
            made.settle()
            entries = made.check()
        except AssertionError as error:
            raise AssertionError("\n".join([f"seed {seed}: {error}", *made.script])) from error
        done = {kind: n for kind, n in entries.items() if kind in _TIMED}
        return made.figures + Counter({"steps": steps, "entries": entries.total(), **done})


def _step(made: Scene, chance: random.Random, change: datetime) -> None:
    steps: tuple[tuple[int, Callable[[], object]], ...] = (
        (24, lambda: _some_act(made, chance)),
        (4, lambda: made.leap(chance.choice(_LEAPS))),
        (2, lambda: made.leap_to(change + chance.choice((-SECOND, SECOND, HOUR / 2)))),
        (6, lambda: _leap_to_a_deadline(made, chance)),
        (3, lambda: made.twitch(chance.choice((-HOUR / 2, -HOUR)), chance.uniform(0.1, 0.4))),
        (3, lambda: made.set_apart(chance.choice(_SKEWS))),
    )
    weights, doings = zip(*steps, strict=True)
    chance.choices(doings, weights)[0]()


def _some_act(made: Scene, chance: random.Random) -> None:
    machine = made.main if chance.random() < 0.7 else made.other
    number, site = chance.choice(list(enumerate(_SITES, 1)))
    incident = f"{number}-{chance.choice((1, 1, 2))}"
    at = ["--at", typed(machine.clock.now(), made.zone)] if chance.random() < 0.4 else []
    kind, *words = chance.choices(
        (
            ("incident_logged", "log", site, "--again", *at),
            ("contact_recorded", "contact", incident, "reached"),
            ("contact_recorded", "contact", site, "no-answer", *at),
            ("incident_removed", "removed", incident),
            ("incident_voided", "void", incident, "--reason", "error"),
        ),
        (6, 2, 1, 1, 1),
    )[0]
    done = made.act(machine, kind, *words)
    if at and done.status == 0 and kind == "incident_logged":
        _check_typed_time(made, done, at[1])


def _leap_to_a_deadline(made: Scene, chance: random.Random) -> None:
    due = made.next_due()
    if due is not None:
        made.leap_to(due + chance.choice((-2 * SECOND, 0 * SECOND, SECOND)))


def typed(moment: datetime, zone: str) -> str:
    """The time as it is shown to people in the zone, to the second: what somebody would type."""
    return TimeFormat(zone=ZoneInfo(zone), now=moment)(moment.replace(microsecond=0))


def _check_typed_time(made: Scene, done: Outcome, text: str) -> None:
    """Check that a typed time is taken for the moment that it was shown for."""
    occurred = datetime.fromisoformat(json.loads(done.out)["incident"]["occurred_at"])
    assert typed(occurred, made.zone) == text, (text, occurred)
    made.figures["times typed"] += 1
