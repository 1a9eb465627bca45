"""Upgrades without a stop: a version and the one before it on one database, under load.

Servers, daemons and command lines of the version before go on while the database is upgraded
beneath them, and after; the new version's begin beside them; then the old ones are stopped. Nobody
may be refused, nothing may be lost or done twice, and the server may see no deadlock. After a
contracting migration the old ones step aside at once, and the new version does what they refused.

Before the new version takes over, the schema moves up and back beneath the old one several times.
Each seed has a database of its own: SQLite for every third; every fourth seed's migration
contracts.
"""

from __future__ import annotations

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from incidents import clock
from incidents.store.database import revision, schema
from incidents.store.database.migration import FIRST
from tests.databases import postgresql_server, sqlite_folder
from tests.fire import outbox, versions
from tests.fire.checker import check
from tests.fire.upgrade_clients import HANDLE, Clients
from tests.fire.versions import Process, Version
from tests.store.newer_program import NewerProgram

UNIT = "upgrades"
DAEMONS = 2
ACTS = 2
"""The number of acts of each client of a server before, after and beside the other version."""
AGAIN = 9
"""How often the schema moves up, and back, before it moves up for good."""

_POLICY = '[unreachable]\nwithin = "2s"\nsuspend_for = "3s"\nmin_attempts = 0\n'
_LATER_S = 1.0
_FAULTS = (
    "Traceback", "fault in this program", "deadlock", "refused a row", "not being enforced",
    "an adapter failed", "an outcome cannot be recorded", "database is unavailable",
)  # fmt: skip
_NEWER = "is newer than this program"


def chunk(seed: int, folder: Path) -> Counter[str]:
    """One upgrade; what was done meanwhile.

    Raises:
        AssertionError: if somebody was refused, or anything is lost, doubled or deadlocked.
    """
    figures = run(seed, folder, on_sqlite=seed % 3 == 0, contracts=seed % 4 == 0, again=AGAIN)
    shutil.rmtree(folder)
    return figures


def run(
    seed: int, folder: Path, *, on_sqlite: bool, contracts: bool = False, again: int = 0
) -> Counter[str]:
    """One upgrade of a database of that kind; raises as `chunk` does."""
    chance = random.Random(f"upgrades {seed}")
    with _database(on_sqlite=on_sqlite) as url:
        if contracts:
            pair = versions.this(folder), versions.sample(folder, expands=False)
        else:
            pair = versions.before_and_now(folder)
        with ExitStack() as stack:
            upgrade = Upgrade(*pair, url, folder, chance, stack)
            upgrade.begin()
            if contracts:
                upgrade.contract()
            else:
                upgrade.up_and_back(again)
                upgrade.expand()
            upgrade.judge()
        if not on_sqlite:
            assert _deadlocks(url) == 0, "the server has seen a deadlock"
    figures = upgrade.figures
    kind = "sqlite" if on_sqlite else "postgresql"
    figures["upgrades"] += 1
    figures[f"{'contracting' if contracts else 'expanding'} upgrades on {kind}"] = 1
    return figures


@contextmanager
def _database(*, on_sqlite: bool) -> Iterator[str]:
    if on_sqlite:
        with sqlite_folder() as files, files.empty() as url:
            yield url
    else:
        with postgresql_server() as server, server.empty() as url:
            yield url


def _deadlocks(url: str) -> int:
    with psycopg.connect(url) as connection:
        asked = "SELECT sum(deadlocks)::int FROM pg_stat_database"
        [found] = connection.execute(asked).fetchone() or [0]
    return int(found)


@dataclass(slots=True)
class Running:
    """What runs of one version: its server, its daemons and its clients."""

    version: Version
    server: Process
    daemons: list[Process]
    clients: Clients

    def logs(self) -> Iterator[str]:
        """The lines that its processes have written."""
        for each in (self.server, *self.daemons):
            for line in each.log.read_text().splitlines():
                yield f"{each.log.name}: {line}"


@dataclass(slots=True)
class Upgrade:
    """One upgrade of the database at `url`, from `before` to `now`."""

    before: Version
    now: Version
    url: str
    folder: Path
    chance: random.Random
    stack: ExitStack
    figures: Counter[str] = field(default_factory=Counter)
    running: list[Running] = field(default_factory=list)
    token: str = ""

    def begin(self) -> None:
        """Make the database by the version before, and begin to work on it."""
        (self.folder / "key").mkdir(mode=0o700)
        policy = self.folder / "policy.toml"
        policy.write_text(_POLICY)
        self._old("db", "upgrade")
        self._old("audit", "key", "new", "fire.example/log")
        self._old("account", "add", HANDLE, "--role", "operator")
        self.token = self._old("token", "make", HANDLE, "--days", "2").strip()
        self._old("policy", "activate", str(policy), "--reason", "fire")
        self._starts(self.before)

    def up_and_back(self, times: int) -> None:
        """Move the schema up and back beneath the version before, which goes on."""
        [old] = self.running
        here = revision.head() if self._is_sample else FIRST
        with NewerProgram(self.folder / "alembic").runs() if self._is_sample else nullcontext():
            for _ in range(times):
                old.clients.act_over_the_server(ACTS)
                with self._timed():
                    schema.upgrade(self.url, waits=self._waits)
                old.clients.act_over_the_server(ACTS)
                schema.downgrade(self.url, here)
                assert old.clients.refusals == []
        self.figures["upgrades"] += times

    @property
    def _is_sample(self) -> bool:
        return self.now.name == "sample"

    def _waits(self) -> None:
        self.figures["upgrades that had to try again"] += 1

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.figures["milliseconds of upgrades"] += round((time.monotonic() - began) * 1000)

    def expand(self) -> None:
        """Upgrade beneath the version before, which goes on until the new one has taken over."""
        [old] = self.running
        self._upgrade(old)
        old.clients.act(ACTS)
        new = self._starts(self.now)
        old.clients.act(ACTS)
        old.clients.moves(self.now, new.clients.port)
        for process in (old.server, *old.daemons):
            process.stop()
        self.figures["processes that were stopped"] += 1 + DAEMONS
        new.clients.act(ACTS)
        for each in self.running:
            each.clients.stop()
            assert each.clients.refusals == []
        for each in self.running:
            faults = [line for line in each.logs() if any(fault in line for fault in _FAULTS)]
            assert faults == []

    def contract(self) -> None:
        """Upgrade beneath the version before, which steps aside; the new one does the rest."""
        [old] = self.running
        self._upgrade(old)
        entries = outbox.entries(self.url)
        old.clients.join()
        assert all("503" in told or _NEWER in told for told in old.clients.refusals)
        assert any("/readyz: 503" in told for told in old.clients.refusals), old.clients.refusals
        for daemon in old.daemons:
            assert daemon.ends() == 1
            assert _NEWER in daemon.log.read_text()
        assert _NEWER in old.server.log.read_text()
        assert not any("Traceback" in line for line in old.logs())
        assert outbox.entries(self.url) == entries, "the version before has written on"
        new = self._starts(self.now)
        old.clients.port = new.clients.port
        for intent in old.clients.ledger.unacknowledged:
            old.clients.send(intent)
            self.figures["acts that the version before refused"] += 1
        new.clients.stop()
        assert new.clients.refusals == []

    def judge(self) -> None:
        """Hold what was answered against the record, and the tables against it."""
        for process in (self.running[-1].server, *self.running[-1].daemons):
            process.stop()
        due_by = clock.now()
        self._new("daemon", "--once")
        lines = self._new("audit", "export").splitlines()
        ledgers = [each.clients.ledger for each in self.running]
        found = check(lines, ledgers, outgoing=outbox.read(self.url), due_by=due_by)
        # No ledger has what `begin` did at the desk itself, before the clients.
        assert [each for each in found if not each.startswith("the desk #")] == []
        self._new("audit", "replay")
        self._new("audit", "verify")
        self.figures["entries"] = len(lines)
        for each in self.running:
            self.figures[f"acts of version {each.version.name}"] = len(each.clients.ledger.intents)

    def _upgrade(self, old: Running) -> None:
        old.clients.act(ACTS)
        # The moment is drawn, and not waited for.
        time.sleep(self.chance.random() * _LATER_S)
        with self._timed():
            self._new("db", "upgrade")

    def _starts(self, version: Version) -> Running:
        logs = [self.folder / f"{version.name}-{name}.log" for name in ("serve", "one", "two")]
        server, *daemons = (
            self.stack.enter_context(version.runs(*words, env=self._env, log=log))
            for words, log in zip(
                [("serve", "--port", "0"), ("daemon",), ("daemon",)], logs, strict=True
            )
        )
        clients = Clients(version.name, version, self._env, self.token, server.port())
        running = Running(version, server, daemons, clients)
        for daemon in daemons:
            daemon.says("NOTHING IS ENFORCED")
        self.running.append(running)
        self.stack.callback(clients.close)
        clients.start()
        clients.act(ACTS)
        return running

    def _old(self, *words: str) -> str:
        return self.before.does(*words, env=self._env)

    def _new(self, *words: str) -> str:
        return self.now.does(*words, env=self._env)

    @property
    def _env(self) -> dict[str, str]:
        return {
            "INCIDENTS_DB": self.url, "INCIDENTS_AS": HANDLE,
            "INCIDENTS_AUDIT_KEY": str(self.folder / "key" / "audit.key"),
            "INCIDENTS_SERVE_KEY": str(self.folder / "serve.key"),
            "XDG_CONFIG_HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder),
        }  # fmt: skip
