"""Faults: an error or a SIGKILL at each writing system call of each kind of act, on SQLite.

A dry run lists the calls; then the act is done anew from a copy of the same database for each of
them, with strace in the way. Afterwards an acknowledged act is on record, any other is there whole
or not at all, and the same act with the same key is done exactly once.
"""

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from incidents import clock
from incidents.store.database import engine as engines
from incidents.store.database import schema
from tests.fire import fault_record as checked
from tests.fire.fault_actions import ACTS, EVIDENCE, Act, prepare
from tests.fire.fault_calls import (
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
from tests.fire.fault_record import Clean, Record
from tests.nursery import Outcome
from tests.patience import PATIENCE_S

UNIT = "faults"
_KEEPING = ("attach", "report receive")
"""The acts that keep a file."""
DATABASE = "incidents.db"
KEY = "the-key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way of an act: as `incidents` itself or forked, and whether others have the file open.

    With company the last connection is not ours: the log is not folded into the file at the end.
    """

    real: bool = False
    company: bool = False
    json: bool = True

    def __str__(self) -> str:
        words = ("the real command" if self.real else "forked", "company" if self.company else "")
        return ", ".join(filter(None, (*words, "" if self.json else "for people")))


class Rig:
    """Does acts, faulted or not, each from a fresh copy of the prepared database."""

    def __init__(self, folder: Path) -> None:
        self._prepared = folder / "prepared"
        # The default database, which the first act makes.
        self._here = folder / "incidents"
        self._trace = folder / "trace"
        self._output = folder / "output"
        self._engine = engines.create(f"sqlite:///{self._here / DATABASE}", make=True)
        self._prepared.mkdir()
        self._output.mkdir()
        prepare(self._prepared, clock.now())
        self._before = Record(checked.lines_in(self._prepared / DATABASE))

    def clean(self, act: Act, way: Way) -> tuple[Clean, list[Call]]:
        """The act without a fault, and the calls that it makes."""
        with self._fresh(act, way):
            ended = self._do(act, way, watching(self._trace))
            assert ended.status == act.status, (act.name, ended)
            before = Record(()) if act.on_nothing else self._before
            steps = self.record().since(before)
        calls = calls_in(self._trace.read_text(), self._here)
        assert calls, f"{act.name} writes nothing"
        return Clean(ended=ended, steps=steps, before=before), calls

    def fault(self, act: Act, way: Way, clean: Clean, fault: Fault) -> Counter[str]:
        """The act with the fault, and all that must be true afterwards.

        Raises:
            AssertionError: naming the act and the fault.
        """
        with self._fresh(act, way):
            try:
                ended = self._do(act, way, [*watching(self._trace), *fault.options])
                hit = hit_in(self._trace.read_text(), self._here, fault)
                # The tree's pages may come to one more or less: then there was nothing to hit.
                kind = fault.kind if hit else "missed"
                done = self._judge(act, way, clean, fault if hit else None, ended)
                self._repeat(act, way, clean, ended)
            except AssertionError as error:
                error.add_note(f"{act.name} ({way}): {fault}")
                raise
        return Counter({"faults": hit, kind: 1, "done" if done else "not done": 1})

    def record(self) -> Record:
        """The record, checked: dense, in a sound file, and equal to the tables when replayed."""
        # Making it may have failed before there was anything.
        schema.ensure(self._engine, make=True)
        schema.check(self._engine)
        record = checked.recorded(self._engine)
        checked.assert_sound(self._here / DATABASE)
        return record

    # Checks.

    def _judge(self, act: Act, way: Way, clean: Clean, fault: Fault | None, ended: Outcome) -> bool:
        """Whether the act is on record, whole; it is there whole or not at all."""
        self._assert_status(act, clean, fault, ended)
        acknowledged = checked.is_acknowledged(act, ended, as_json=way.json)
        self._assert_files(act, clean, fault, acknowledged=acknowledged)
        whole = checked.whole_or_not_at_all(act, clean, ended, self.record(), as_json=way.json)
        if fault is not None and fault.call.target == STDOUT and not fault.kills:
            assert whole, "only the answer was lost, and the act is not there"
        return whole

    def _assert_status(self, act: Act, clean: Clean, fault: Fault | None, ended: Outcome) -> None:
        harmless = fault is None or fault.call.target == STDERR
        if harmless and not (fault and fault.kills):
            assert ended.status == clean.ended.status, ended
        elif fault is not None and fault.kills:
            assert ended.status == -9, ended
        else:
            assert ended.status in (clean.ended.status, act.failed), ended
        if ended.status != act.failed or harmless:
            assert "Traceback" not in ended.stderr, ended
            return
        assert fault is not None
        if fault.call.target == STDOUT:
            checked.assert_clear(ended.stderr, sentences=["its result could not be shown"])
        elif fault.call.target.startswith(DATABASE):
            checked.assert_clear(ended.stderr, sentences=_SENTENCES)
        else:
            checked.assert_clear(ended.stderr)

    def _assert_files(
        self, act: Act, clean: Clean, fault: Fault | None, *, acknowledged: bool
    ) -> None:
        """Check that files beside the database are whole or absent, without partial ones."""
        there = {str(path.relative_to(self._here)) for path in self._here.rglob("*")
                 if path.is_file() and not path.name.startswith(DATABASE)}  # fmt: skip
        kept = {name for name in there if name.startswith("evidence/")}
        parts = {name for name in there if "/." in f"/{name}"}
        for name in kept - parts:
            assert (self._here / name).read_text() == (self._here / EVIDENCE).read_text()
        if act.name in _KEEPING and acknowledged:
            assert kept - parts, "an entry names a file that is not kept"
        if act.writes is not None:
            file = self._here / act.writes
            assert file.exists() or not acknowledged, f"{act.writes} is not there"
            if file.exists():
                _assert_whole(file, clean.before)
        if fault is None or not (fault.kills or fault.call.name.startswith("unlink")):
            assert not parts, ("a part of a file was left behind", parts)

    def _repeat(self, act: Act, way: Way, clean: Clean, first: Outcome) -> None:
        """Check that with room again the same act with the same key is done exactly once."""
        again = self._do(act, way)
        there = act.name == "backup" and again.status == 2
        assert there or again.status == act.status, ("it does not go on", again)
        checked.assert_done_once(clean, self.record())
        if act.keyed and first.status == act.status and way.json:
            assert checked.answer_in(again.stdout) == checked.answer_in(first.stdout)
        kept = list(self._here.glob("evidence/*/*"))
        assert act.name not in _KEEPING or kept, "no evidence is kept"

    # How it is done.

    @property
    def _env(self) -> dict[str, str]:
        return {"XDG_DATA_HOME": str(self._here.parent), "INCIDENTS_AS": "operator-1"}

    @contextmanager
    def _fresh(self, act: Act, way: Way) -> Iterator[None]:
        if self._here.exists():
            shutil.rmtree(self._here)
        if act.on_nothing:
            self._here.mkdir()
        else:
            shutil.copytree(self._prepared, self._here)
        with ExitStack() as stack:
            if way.company and not act.on_nothing:
                other = stack.enter_context(closing(sqlite3.connect(self._here / DATABASE)))
                other.execute("SELECT count(*) FROM sites").fetchall()
            yield

    def _do(self, act: Act, way: Way, strace: Sequence[str] = ()) -> Outcome:
        words = act.line(self._here, key=KEY, json=way.json)
        if not way.real:
            return run_to_the_end(words, env=self._env, strace=strace)
        tracer = ["strace", "-qq", "-f", "--seccomp-bpf", *strace] if strace else []
        program = str(Path(sys.executable).with_name("incidents"))
        with (self._output / "out").open("wb") as out, (self._output / "err").open("wb") as err:
            real = subprocess.run(
                [*tracer, program, *words],
                # Compiled modules would be written too, once.
                env={**os.environ, **self._env, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=PATIENCE_S, check=False,
            )  # fmt: skip
        told, of_errors = ((self._output / name).read_bytes() for name in ("out", "err"))
        return Outcome(real.returncode, told, of_errors)


_SENTENCES = (
    "is full", "disk I/O error", "cannot open the file", "cannot be written",
    "readonly database",
)  # fmt: skip


def _assert_whole(file: Path, before: Record) -> None:
    if file.suffix == ".db":
        checked.assert_sound(file)
        lines = checked.lines_in(file)
    else:
        lines = tuple(file.read_text().splitlines())
    assert lines == before.lines, f"{file.name} is not whole"


def sample(rig: Rig, act: Act, way: Way, chance: random.Random, size: int) -> Counter[str]:
    """Some faults of the act, drawn by chance; figures of what was hit."""
    clean, calls = rig.clean(act, way)
    faults = faults_of(calls)
    figures = Counter[str](acts=1, calls=len(calls))
    for fault in chance.sample(faults, min(size, len(faults))):
        figures += rig.fault(act, way, clean, fault)
    return figures


# The long run: chunk by chunk through every fault of every act.

SLICES = 8
_WAYS = tuple(Way(company=company, json=json) for company in (False, True) for json in (True,))
_ROUND = len(ACTS) * len(_WAYS) * SLICES


def chunk(seed: int, folder: Path) -> Counter[str]:
    """The slice number `seed` of all faults; after a whole round the real command's come.

    Raises:
        AssertionError: naming the act, the fault and what was not true.
    """
    turn, place = divmod(seed, _ROUND)
    number, which = divmod(place, SLICES)
    act, way = ACTS[number // len(_WAYS)], _WAYS[number % len(_WAYS)]
    way = Way(real=turn % 2 == 1, company=way.company, json=way.json)
    figures = Counter[str]()
    if act.on_nothing and way.company:
        return figures  # nobody has a file open that is not there: these have been done
    with room("faults", seed, folder) as here:
        made = Rig(here)
        clean, calls = made.clean(act, way)
        figures["calls"] += len(calls) if which == 0 else 0
        for fault in faults_of(calls)[which::SLICES]:
            figures += made.fault(act, way, clean, fault)
    return figures
