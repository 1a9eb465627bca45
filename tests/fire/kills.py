"""Kills: four operators and three daemons on one database, killed, paused and started again.

Each is killed with SIGKILL at a moment that nobody has chosen, or paused with SIGSTOP, sometimes
for longer than a daemon may be silent; PostgreSQL is stopped `immediate` and started again. What
the operators wrote down and what is on record at the end must agree (see `checker`).
"""

from __future__ import annotations

import math
import random
import shutil
import signal
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy import ColumnElement, Engine, exists, select

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.schema.desk_tables import entries
from tests.acceptance.daemons import engine_of, environment, incidents
from tests.databases import sqlite_folder
from tests.fire import ledger as ledgers
from tests.fire import record
from tests.fire.burning import Fire, Target, fire
from tests.fire.checker import check_database
from tests.fire.ledger import ANSWER, Intent, LedgerFile
from tests.fire.operators import NO_ANSWER
from tests.fire.server import Server, crashing_server
from tests.fire.shift import POLICIES, SITES
from tests.patience import until

UNIT = "kills"
OPERATORS, DAEMONS = 4, 3

LEASE_S = 10.0
"""A daemon whose last look is older does not count as enforcing (its heart beats each 5 s)."""

_BETWEEN_KILLS_S = 0.2
_WITHOUT_PROGRESS_S = 2.0
_KILLS_A_PAUSE, _PAUSED_S = 6, 0.6
_DOWN_S = 0.8
_LOOK_S = 0.02
WANTED = ("clock_lapsed", "site_suspended", "suspension_ended", "order_delivered")
"""Entries without which nothing was put to the test: each is waited for."""


@dataclass(frozen=True, slots=True)
class Doses:
    """The number of kills, and after how many each time a long pause, and a crash of the server.

    `thought_s` is how long an operator thinks at most before an act.
    """

    kills: int
    to_a_long_pause: int
    to_a_crash: int
    thought_s: float


CHUNK = Doses(100, to_a_long_pause=75, to_a_crash=40, thought_s=0.03)

_FAULTS = (
    "fault in this program", "_not_enforced", "Traceback", "deadlock", "refused a row",
    "an adapter failed", "an outcome cannot be recorded", "an attempt outlasts its lease",
)  # fmt: skip
"""Text that no log may contain, however much goes wrong around the program."""


def chunk(seed: int, folder: Path) -> Counter[str]:
    """One seeded piece of the long run, on SQLite and on PostgreSQL in turn: what was done.

    Raises:
        AssertionError: with the findings, the seed and where the evidence is.
    """
    run = on_sqlite if seed % 2 else on_postgresql
    figures = run(seed, folder, CHUNK)
    shutil.rmtree(folder)
    return figures


def on_sqlite(seed: int, folder: Path, doses: Doses) -> Counter[str]:
    """Kill processes on one SQLite file; raises as `chunk` does."""
    with sqlite_folder() as files, files.at_head() as url:
        return _run("sqlite", url, seed, folder, doses)


def on_postgresql(seed: int, folder: Path, doses: Doses) -> Counter[str]:
    """Kill processes on one PostgreSQL, which crashes now and then; raises as `chunk` does."""
    with crashing_server() as server, server.databases.at_head() as url:
        return _run("postgresql", url, seed, folder, doses, server)


def _run(
    kind: str, url: str, seed: int, folder: Path, doses: Doses, server: Server | None = None
) -> Counter[str]:
    setup = _begin(url, folder)
    chance = random.Random(f"kills {seed}")
    try:
        with fire(_burning(folder, seed, doses), environment(url), folder, chance) as lit:
            killing = KillRun(lit, url, folder, chance, server)
            killing.burn(doses)
            killing.die_down()
            killing.read_logs()
        due_by = clock.now()
        incidents(url, "daemon", "--once")
        told = [setup, *killing.ledgers()]
        export = folder / "export.jsonl"
        kinds = check_database(url, told, due_by=due_by, keep=export)
    except AssertionError as error:
        raise AssertionError(_replay(kind, seed, folder, error)) from error
    figures = lit.figures + Counter({f"chunks on {kind}": 1})
    figures[f"kills on {kind}"] = figures["kills"]
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


def _begin(url: str, folder: Path) -> ledgers.Ledger:
    """Fill the database with sites and a policy whose hours are seconds."""
    with engine_of(url) as engine:
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


def _add(desk: Desk, site: str, ledger: LedgerFile) -> None:
    intent = Intent(key=site, site=site, actor="operator-0", kind="site_added")
    ledger.intend(intent)
    [answer] = desk.submit([Envelope(site=site, command=c.AddSite(by=intent.actor), key=site)])
    assert answer.refusal is None
    ledger.acknowledge(ledgers.acknowledgement(site, answer.document, None))


def _burning(folder: Path, seed: int, doses: Doses) -> list[Target]:
    """The seven processes."""
    operators = [
        Target(
            f"operator-{n}",
            (str(n), str(seed), str(folder / f"operator-{n}.jsonl"), str(doses.thought_s)),
            module="tests.fire.operators",
        )
        for n in range(1, OPERATORS + 1)
    ]
    return operators + [Target(f"daemon-{n}", ("daemon",)) for n in range(1, DAEMONS + 1)]


class KillRun:
    """The faults inflicted on the seven processes of one run."""

    def __init__(
        self, lit: Fire, url: str, folder: Path, chance: random.Random, server: Server | None
    ) -> None:
        self._fire = lit
        self._url = url
        self._server = server
        self._chance = chance
        self._ledger_files = [folder / f"operator-{n}.jsonl" for n in range(1, OPERATORS + 1)]
        self._read: dict[Path, int] = {}
        self._answered = 0
        for each in lit.all:
            lit.start(each)

    def ledgers(self) -> list[ledgers.Ledger]:
        """The ledgers of the operators."""
        return [ledgers.read(file) for file in self._ledger_files]

    def burn(self, doses: Doses) -> None:
        """Kill `kills` times, and do worse between; then until everything was put to the test."""
        for n in count(1):
            if n > doses.kills and any(ledger.cut_short for ledger in self.ledgers()):
                break
            self._let_work()
            if n % _KILLS_A_PAUSE == 0:
                self._pause(self._chance.random() * _PAUSED_S)
            if n % doses.to_a_long_pause == doses.to_a_long_pause // 2:
                self._pause(LEASE_S + 1)
                self._fire.figures["pauses past any lease"] += 1
            if self._server is not None and n % doses.to_a_crash == 0:
                self._crash(self._server)
            # In the end only to cut an act short.
            of = self._fire.all if n <= doses.kills else self._fire.all[:OPERATORS]
            self._fire.kill(self._chance.choice(of))
        with engine_of(self._url) as engine:
            until(partial(self._has_all, engine), f"each of {WANTED} is on record")

    def _has_all(self, engine: Engine) -> bool:
        self._fire.wake(time.monotonic())
        self._fire.see_all_alive()
        asked = select(*(_is_on_record(kind) for kind in WANTED))
        with engine.connect() as connection:
            return all(connection.execute(asked).one())

    def die_down(self) -> None:
        """Let the operators finish what they have in hand, and everything end."""
        self._fire.wake(math.inf)
        for each in self._fire.all[:OPERATORS]:
            # One that has just begun does not know yet that it could end better.
            self._fire.end(each, signal.SIGTERM, 0, -signal.SIGTERM)
        for each in self._fire.all[OPERATORS:]:
            self._fire.end(each, signal.SIGKILL, -signal.SIGKILL)
        left = self._fire.clear()
        self._fire.figures["commands that outlived their operator to the end"] = left

    def read_logs(self) -> None:
        """No process has met a fault of the program, or of its locks; count what the rest met."""
        figures = self._fire.figures
        for each, line in self._fire.lines():
            assert not any(fault in line for fault in _FAULTS), f"{each.name}: {line}"
            figures["acts that got no answer"] += line.startswith(NO_ANSWER)
            figures["looks that got no answer"] += "deadlines are not being enforced" in line
            figures["orders carried out"] += "this order is only logged" in line

    def _let_work(self) -> None:
        """Until something was acknowledged since, or nothing is to be expected; and a bit more."""
        before, since = self._answers(), time.monotonic()
        while self._answers() == before and time.monotonic() - since < _WITHOUT_PROGRESS_S:
            self._pass(_LOOK_S)
        self._pass(self._chance.random() * _BETWEEN_KILLS_S)
        self._fire.see_all_alive()

    def _pass(self, for_s: float) -> None:
        """Let that much time pass; nothing is waited for, it is the moment that is drawn."""
        time.sleep(for_s)
        self._fire.wake(time.monotonic())

    def _answers(self) -> int:
        """Count the answers that the operators have written down, by what was added since."""
        for ledger in self._ledger_files:
            with ledger.open("ab+") as file:
                file.seek(self._read.get(ledger, 0))
                added = file.read()
            self._read[ledger] = self._read.get(ledger, 0) + len(added)
            self._answered += added.count(ANSWER)
        return self._answered

    def _pause(self, for_s: float) -> None:
        if awake := self._fire.awake:
            self._fire.pause(self._chance.choice(awake), for_s)

    def _crash(self, server: Server) -> None:
        server.stop("immediate")
        down_s = self._chance.random() * _DOWN_S
        self._fire.tell(crashed="postgresql", down_s=down_s)
        time.sleep(down_s)
        server.start()
        self._fire.tell(started="postgresql")
        self._fire.figures["crashes of postgresql"] += 1


def _is_on_record(kind: str) -> ColumnElement[bool]:
    return exists().where(entries.c.body.contains(f'"kind":"{kind}"'))
