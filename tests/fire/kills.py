"""Kills: four operators and three daemons on one database, killed, paused and started again.

Each is killed with SIGKILL at a moment that nobody has chosen, or paused with SIGSTOP, sometimes
for longer than a daemon may be silent; PostgreSQL is stopped `immediate` and started again. What
the operators wrote down and what is on record at the end must agree (see `checker`).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store import engine as engines
from incidents.store.schema import upgrade
from tests.acceptance.daemons import incidents
from tests.fire import ledger as ledgers
from tests.fire import record
from tests.fire.checker import check_database
from tests.fire.ledger import ANSWER, Intent, LedgerFile
from tests.fire.nursery import Nursery
from tests.fire.operators import NO_ANSWER
from tests.fire.server import Server, crashing_server
from tests.fire.shift import POLICIES, SITES

UNIT = "kills"
KILLS_IN_A_CHUNK = 100
OPERATORS, DAEMONS = 4, 3

LEASE_S = 10.0
"""A daemon whose last look is older does not count as enforcing (its heart beats each 5 s)."""

_BETWEEN_KILLS_S = 0.2
_WITHOUT_PROGRESS_S = 2.0
_KILLS_A_PAUSE, _PAUSED_S = 6, 0.6
_KILLS_A_LONG_PAUSE = 75
KILLS_A_CRASH, _DOWN_S = 40, 0.8
_RARELY_ANEW = 0.1

_FAULTS = (
    "fault in this program", "_not_enforced", "Traceback", "deadlock", "refused a row",
    "an adapter failed", "an outcome cannot be recorded", "an attempt does not end",
)  # fmt: skip
"""What no log may say, however much goes wrong around the program."""


def chunk(seed: int, folder: Path) -> Counter[str]:
    """One seeded piece of the long run, on SQLite and on PostgreSQL in turn: what was done.

    Raises:
        AssertionError: with the findings, the seed and where the evidence is.
    """
    run = on_sqlite if seed % 2 else on_postgresql
    figures = run(seed, folder, KILLS_IN_A_CHUNK)
    shutil.rmtree(folder)
    return figures


def on_sqlite(seed: int, folder: Path, kills: int) -> Counter[str]:
    """So many kills on one SQLite file; raises as `chunk` does."""
    return _run("sqlite", f"sqlite:///{folder / 'fire.db'}", seed, folder, kills)


def on_postgresql(seed: int, folder: Path, kills: int) -> Counter[str]:
    """So many kills on one PostgreSQL, which crashes now and then; raises as `chunk` does."""
    with crashing_server() as server, server.databases.empty() as url:
        return _run("postgresql", url, seed, folder, kills, server)


def _run(
    kind: str, url: str, seed: int, folder: Path, kills: int, server: Server | None = None
) -> Counter[str]:
    setup = _begin(url, folder, seed)
    try:
        with Fire(url, seed, folder, server) as fire:
            fire.burn(kills)
            fire.die_down()
            fire.read_logs()
        due_by = clock.now()
        incidents(url, "daemon", "--once")
        told = [setup, *fire.ledgers()]
        export = folder / "export.jsonl"
        kinds = check_database(url, told, due_by=due_by, keep=export)
    except AssertionError as error:
        raise AssertionError(_replay(kind, seed, folder, error)) from error
    figures = fire.figures + Counter({f"kills on {kind}": kills, f"chunks on {kind}": 1})
    figures["acts sent"] = sum(len(ledger.intents) for ledger in told)
    figures["acts acknowledged"] = sum(len(ledger.acknowledgements) for ledger in told)
    figures["acts cut short"] = sum(ledger.cut_short for ledger in told)
    figures["acts asked again"] = sum(ledger.asked_again for ledger in told)
    figures.update({f"entries {name}": times for name, times in kinds.items()})
    figures["entries"] = kinds.total()
    with export.open("rb") as lines:
        closings = (entry for entry in record.read(lines) if entry.kind == "site_closed")
        figures.update(f"closings by {entry.rule}" for entry in closings)
    return figures


def _replay(kind: str, seed: int, folder: Path, error: AssertionError) -> str:
    return (
        f"seed {seed} on {kind}: {error}\n"
        f"run it again: scripts/fire kills --seed {seed} --chunks 1 --log /tmp/fire-again.jsonl\n"
        f"judge it again: python -m tests.fire.checker {folder}/export.jsonl "
        f"{folder}/operator-?.jsonl\n"
        f"the ledgers, the processes' logs, what was done to them (story.jsonl) and the export: "
        f"{folder}"
    )


def _begin(url: str, folder: Path, seed: int) -> ledgers.Ledger:
    """Makes the database: the sites, and a policy whose hours are seconds."""
    upgrade(url)
    engine = engines.create(url)
    try:
        desk = Desk(engine)
        desk.activate(POLICIES[0], by="operator-0", login=None, reason="fire", key="policy")
        with LedgerFile(folder / "operator-0.jsonl") as ledger:
            entry = ledgers.Entry(
                site_id=0, site_seq=1, kind="policy_activated", actor="operator-0"
            )
            ledger.intend(
                Intent(key="policy", site="", actor="operator-0", kind="policy_activated")
            )
            ledger.acknowledge(ledgers.Acknowledgement(key="policy", entries=(entry,)))
            for site in SITES:
                _add(desk, site, ledger)
            return ledger.ledger
    finally:
        engine.dispose()


def _add(desk: Desk, site: str, ledger: LedgerFile) -> None:
    intent = Intent(key=site, site=site, actor="operator-0", kind="site_added")
    ledger.intend(intent)
    [answer] = desk.submit([Envelope(site=site, command=c.AddSite(by=intent.actor), key=site)])
    assert answer.refusal is None
    ledger.acknowledge(ledgers.acknowledgement(site, answer.document, None))


@dataclass(slots=True)
class Burning:
    """One of the seven: how it is started, and which process it is now."""

    name: str
    words: Sequence[str]
    pid: int = 0
    resumes_at: float | None = None
    """When it is woken, in the time of `time.monotonic`; None if it is not paused."""


class Fire:
    """The seven processes of one run, and what is done to them."""

    def __init__(self, url: str, seed: int, folder: Path, server: Server | None) -> None:
        self.figures = Counter[str]()
        self._url = url
        self._folder = folder
        self._server = server
        self._chance = random.Random(f"kills {seed}")
        self._nursery = Nursery()
        self._ledger_files = [folder / f"operator-{n}.jsonl" for n in range(1, OPERATORS + 1)]
        self._burning = [
            Burning(f"operator-{n}", ("operator", str(n), str(seed), str(file)))
            for n, file in enumerate(self._ledger_files, start=1)
        ] + [Burning(f"daemon-{n}", ("daemon",)) for n in range(1, DAEMONS + 1)]
        self._read: dict[Path, int] = {}
        self._answered = 0
        self._story = (folder / "story.jsonl").open("w")

    def __enter__(self) -> Self:
        for each in self._burning:
            self._start(each)
        return self

    def __exit__(self, *_: object) -> None:
        self._nursery.__exit__(None, None, None)
        self._story.close()

    def ledgers(self) -> list[ledgers.Ledger]:
        """What the operators wrote down."""
        return [ledgers.read(file) for file in self._ledger_files]

    def burn(self, kills: int) -> None:
        """Kill so many times, and do worse between."""
        for n in range(1, kills + 1):
            self._let_work()
            if n % _KILLS_A_PAUSE == 0:
                self._pause(self._chance.random() * _PAUSED_S)
            if n % _KILLS_A_LONG_PAUSE == _KILLS_A_LONG_PAUSE // 2:
                self._pause(LEASE_S + 1)
                self.figures["pauses past any lease"] += 1
            if self._server is not None and n % KILLS_A_CRASH == 0:
                self._crash(self._server)
            self._kill(self._chance.choice(self._burning))

    def die_down(self) -> None:
        """Let the operators finish what they have in hand, and everything end."""
        for each in self._burning:
            self._resume(each)
        operators = self._burning[:OPERATORS]
        for each in operators:
            os.kill(each.pid, signal.SIGTERM)
        for each in operators:
            status = self._nursery.end_of(each.pid)
            # One that has just begun does not know yet that it could end better.
            assert status in (0, -signal.SIGTERM), self._ended_by_itself(each, status)
        for each in self._burning[OPERATORS:]:
            os.kill(each.pid, signal.SIGKILL)
            status = self._nursery.end_of(each.pid)
            assert status == -signal.SIGKILL, self._ended_by_itself(each, status)
        self.figures["commands that outlived their operator to the end"] = self._nursery.clear()

    def read_logs(self) -> None:
        """No process has met a fault of the program, or of its locks; count what the rest met."""
        for each in self._burning:
            for line in (self._folder / f"{each.name}.log").read_text().splitlines():
                assert not any(fault in line for fault in _FAULTS), f"{each.name}: {line}"
                self.figures["acts that got no answer"] += line.startswith(NO_ANSWER)
                self.figures["looks that got no answer"] += "the clock is not enforced" in line
                self.figures["orders carried out"] += "this order is only logged" in line

    def _let_work(self) -> None:
        """Until something was acknowledged since, or nothing is to be expected; and a bit more."""
        before, since = self._answers(), time.monotonic()
        while self._answers() == before and time.monotonic() - since < _WITHOUT_PROGRESS_S:
            self._wake()
            time.sleep(0.005)
        until = time.monotonic() + self._chance.random() * _BETWEEN_KILLS_S
        while time.monotonic() < until:
            self._wake()
            time.sleep(0.005)
        for pid in self._nursery.ended():
            [each] = [each for each in self._burning if each.pid == pid]
            raise AssertionError(self._ended_by_itself(each, self._nursery.end_of(pid)))

    def _answers(self) -> int:
        """How many answers the operators have written down, by what was added since."""
        for ledger in self._ledger_files:
            with ledger.open("ab+") as file:
                file.seek(self._read.get(ledger, 0))
                added = file.read()
            self._read[ledger] = self._read.get(ledger, 0) + len(added)
            self._answered += added.count(ANSWER)
        return self._answered

    def _wake(self) -> None:
        for each in self._burning:
            if each.resumes_at is not None and each.resumes_at <= time.monotonic():
                self._resume(each)

    def _start(self, each: Burning) -> None:
        anew = self._chance.random() < _RARELY_ANEW
        log = self._folder / f"{each.name}.log"
        each.pid = self._nursery.begin(each.words, log, url=self._url, anew=anew)
        each.resumes_at = None
        self._tell(started=each.name, pid=each.pid, anew=anew)
        self.figures["starts from nothing"] += anew

    def _kill(self, each: Burning) -> None:
        paused = each.resumes_at is not None
        os.kill(each.pid, signal.SIGKILL)
        status = self._nursery.end_of(each.pid)
        assert status == -signal.SIGKILL, self._ended_by_itself(each, status)
        self._tell(killed=each.name, pid=each.pid, paused=paused)
        self.figures["kills"] += 1
        self.figures[f"kills of {each.words[0]}s"] += 1
        self.figures["kills in a pause"] += paused
        self._start(each)

    def _pause(self, for_s: float) -> None:
        awake = [each for each in self._burning if each.resumes_at is None]
        if not awake:
            return
        each = self._chance.choice(awake)
        os.kill(each.pid, signal.SIGSTOP)
        each.resumes_at = time.monotonic() + for_s
        self._tell(paused=each.name, pid=each.pid, for_s=for_s)
        self.figures["pauses"] += 1

    def _resume(self, each: Burning) -> None:
        if each.resumes_at is not None:
            os.kill(each.pid, signal.SIGCONT)
            each.resumes_at = None
            self._tell(resumed=each.name, pid=each.pid)

    def _crash(self, server: Server) -> None:
        server.stop("immediate")
        down_s = self._chance.random() * _DOWN_S
        self._tell(crashed="postgresql", down_s=down_s)
        time.sleep(down_s)
        server.start()
        self._tell(started="postgresql")
        self.figures["crashes of postgresql"] += 1

    def _tell(self, **what: Any) -> None:
        self._story.write(json.dumps({"at": clock.rfc3339(clock.now())} | what) + "\n")
        self._story.flush()

    def _ended_by_itself(self, each: Burning, status: int) -> str:
        log = (self._folder / f"{each.name}.log").read_text()
        return f"{each.name} ended by itself, with status {status}: …{log[-3_000:]}"
