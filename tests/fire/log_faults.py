"""Faults of the log: an error or a SIGKILL at each of its writing calls.

These number, sign, publish and rotate. Afterwards the log is consistent, nothing is signed or
published that was not stored, and the same command goes on.

On SQLite the calls are those on its files; on PostgreSQL, whose files are the server's, those that
send to it: there the command is killed.
"""

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from incidents.audit.log import signers_lock
from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database import engine as engines
from tests.databases import SqliteDatabases, postgresql_server
from tests.fire.fault_calls import (
    KILL,
    STDERR,
    STDOUT,
    Call,
    Fault,
    calls_in,
    faults_of,
    hit_in,
    room,
    run_to_the_end,
    watching,
)
from tests.fire.fault_record import assert_sound
from tests.fire.log_record import assert_complete, assert_consistent
from tests.nursery import Outcome

UNIT = "faults"
NAME = "log.example/incidents"
KINDS = ("EIO", KILL)
# A tile is full with 256, and the numbers of the last commands fall into the next one.
FIRST, MORE = 250, 12

_SEND = ["-qq", "-o", "{trace}", "-e", "trace=sendto"]
_KEY = ("audit", "key", "new", NAME)


@dataclass(frozen=True, slots=True)
class Act:
    """A command on the log; `keyed` if the log has a key and a checkpoint before."""

    name: str
    words: tuple[str, ...]
    keyed: bool = True
    signs: bool = True


ACTS = (
    Act("checkpoint", ("audit", "checkpoint")),
    Act("daemon --once", ("daemon", "--once")),
    Act("key new", _KEY, keyed=False, signs=False),
    Act("key rotate", ("audit", "key", "rotate", "--reason", "on review")),
)
BY_NAME = {act.name: act for act in ACTS}


def _fill(engine: Engine, begin: int, n: int) -> None:
    add = c.AddSite(by="operator-1")
    sites = [f"site-{begin + i}.example" for i in range(n)]
    Desk(engine).submit([Envelope(site=site, command=add) for site in sites])


class Rig:
    """Do the acts from a fresh copy of a prepared log in a SQLite file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._here = folder / "run"
        self._trace = folder / "trace"
        self._config = folder / "config.toml"
        self._config.write_text(f'[audit]\npublish = "{self._here}/public"\n')
        self._engine = engines.create(f"sqlite:///{self._here}/incidents.db")
        for keyed in (False, True):
            self._prepare(folder / f"prepared-{keyed}", keyed=keyed)

    def _prepare(self, prepared: Path, *, keyed: bool) -> None:
        self._here.mkdir()
        with SqliteDatabases(self._here).at_head() as url:
            Path(url.removeprefix("sqlite:///")).rename(self._here / "incidents.db")
        (self._here / "head.db").unlink()
        _fill(self._engine, 0, FIRST)
        if keyed:
            self._run(_KEY)
            self._run(("daemon", "--once"))
        _fill(self._engine, FIRST, MORE)
        self._engine.dispose()
        self._here.rename(prepared)

    def calls(self, act: Act) -> list[Call]:
        """The writing calls of the act when nothing goes wrong."""
        self._fresh(act)
        ended = self._run(act.words, watching(self._trace))
        assert ended.status == 0, ended
        self._judge(act, done=True)
        calls = calls_in(self._trace.read_text(), self._here)
        return [call for call in calls if call.target not in (STDOUT, STDERR)]

    def fault(self, act: Act, fault: Fault) -> Counter[str]:
        """The act with the fault, what must be true then, and the act once more.

        Raises:
            AssertionError: naming the act and the fault.
        """
        self._fresh(act)
        try:
            ended = self._run(act.words, [*watching(self._trace), *fault.options])
            hit = hit_in(self._trace.read_text(), self._here, fault)
            assert "Traceback" not in ended.stderr, ended
            if fault.kills and hit:
                assert ended.status == -9, ended
            self._judge(act, done=False)
            self._assert_no_parts(fault)
            self._again(act)
        except AssertionError as error:
            error.add_note(f"{act.name}: {fault}")
            raise
        return Counter({"faults": hit, fault.kind if hit else "missed": 1})

    def _again(self, act: Act) -> None:
        """The same command goes on where it was, or says that it was done already."""
        ended = self._run(act.words)
        there = act.name == "key new" and "the log has a key" in ended.stderr
        assert there or ended.status == 0, ("it does not go on", ended)
        self._judge(act, done=True)
        _add_and_sign(self._engine, self._run)
        self._judge(act, done=False)
        assert_complete(self._engine)
        self._engine.dispose()

    def _judge(self, act: Act, *, done: bool) -> None:
        assert_consistent(self._engine, self._here / "audit.key", self._here / "public")
        if done and act.signs:
            assert_complete(self._engine)
        self._engine.dispose()
        assert_sound(self._here / "incidents.db")

    def _assert_no_parts(self, fault: Fault) -> None:
        parts = [path for path in self._here.rglob(".*") if path.is_file()]
        assert fault.kills or fault.call.name.startswith("unlink") or not parts, parts

    def _fresh(self, act: Act) -> None:
        if self._here.exists():
            shutil.rmtree(self._here)
        shutil.copytree(self._folder / f"prepared-{act.keyed}", self._here)
        lock = signers_lock.lock_file(self._here / "audit.key")
        if act.keyed:
            # A copy is another place, from which nothing is signed: this one is to be the same.
            word = lock.read_text().split()[0]
            lock.write_text(f"{word} {lock.stat().st_ino} -\n")

    def _run(self, words: Sequence[str], strace: Sequence[str] = ()) -> Outcome:
        env = {
            "INCIDENTS_DB": f"sqlite:///{self._here}/incidents.db", "INCIDENTS_AS": "operator-1",
            "INCIDENTS_CONFIG": str(self._config),
        }  # fmt: skip
        return run_to_the_end(words, env=env, strace=strace)


def _add_and_sign(engine: Engine, run: object) -> None:
    _fill(engine, FIRST + MORE, 1)
    assert callable(run)
    assert run(("audit", "checkpoint")).status == 0


def sample(rig: Rig, act: Act, chance: random.Random, size: int) -> Counter[str]:
    """Some faults of the act, drawn by chance; figures of what was hit."""
    faults = faults_of(rig.calls(act))
    figures = Counter[str]()
    for fault in chance.sample(faults, min(size, len(faults))):
        figures += rig.fault(act, fault)
    return figures


# ── on PostgreSQL ────────────────────────────────────────────────────────────────────────────────


def killed(url: str, folder: Path, act: Act, n: int) -> bool:
    """The act, killed as it sends to the server for the `n`th time; whether it came to that.

    Raises:
        AssertionError: if the log is not consistent, or the act does not go on.
    """
    engine = engines.create(url)
    env = {
        "INCIDENTS_DB": url, "INCIDENTS_AS": "operator-1",
        "INCIDENTS_AUDIT_KEY": str(folder / "audit.key"),
        "INCIDENTS_AUDIT_PUBLISH": str(folder / "public"),
    }  # fmt: skip

    def run(words: Sequence[str], strace: Sequence[str] = ()) -> Outcome:
        return run_to_the_end(words, env=env, strace=strace)

    _fill(engine, 0, FIRST)
    if act.keyed:
        assert run(_KEY).status == 0
        assert run(("audit", "checkpoint")).status == 0
    _fill(engine, FIRST, MORE)
    trace = [word.format(trace=folder / "trace") for word in _SEND]
    ended = run(act.words, [*trace, "-e", f"inject=sendto:signal=KILL:when={n}"])
    assert ended.status in (0, -9), ended
    assert_consistent(engine, folder / "audit.key", folder / "public")
    again = run(act.words)
    assert again.status == 0 or "the log has a key" in again.stderr, again
    _add_and_sign(engine, run)
    assert_consistent(engine, folder / "audit.key", folder / "public")
    assert_complete(engine)
    engine.dispose()
    return ended.status == -9


# ── the long run ─────────────────────────────────────────────────────────────────────────────────

SLICES = 4


def chunk(seed: int, folder: Path) -> Counter[str]:
    """The slice number `seed` of all faults of all acts.

    Raises:
        AssertionError: naming the act, the fault and what was not true.
    """
    number, which = divmod(seed % (len(ACTS) * SLICES), SLICES)
    act = ACTS[number]
    figures = Counter[str]()
    with room("log_faults", seed, folder) as here:
        made = Rig(here)
        for fault in faults_of(made.calls(act))[which::SLICES]:
            figures += made.fault(act, fault)
        figures += _on_postgresql(seed, here)
    return figures


def _on_postgresql(seed: int, folder: Path) -> Counter[str]:
    """A few kills on a server of its own, each at a place drawn by chance."""
    chance = random.Random(seed)
    figures = Counter[str]()
    with postgresql_server() as databases:
        for place in range(6):
            here = folder / f"postgresql-{place}"
            here.mkdir()
            with databases.at_head() as url:
                act, n = chance.choice(ACTS), chance.randrange(1, 40)
                figures["faults"] += killed(url, here, act, n)
    return figures
