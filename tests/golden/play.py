"""The play: a list of commands, run one after the other in this process, under a told clock.

What the program says must be the same each time. So the clock is told, and all that is random comes
from a seed: for each command one of its own, so that a command that is put in changes no other.
"""

from __future__ import annotations

import hashlib
import io
import os
import random
import re
import shlex
import shutil
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from argon2 import PasswordHasher

from incidents.accounts import secrets
from incidents.app import open_app
from incidents.cli import main
from incidents.desk import Envelope, batch
from incidents.enforcement import comparison
from incidents.enforcement.attempts import WorkerPool
from incidents.machine import commands as c
from incidents.machine.decide import decide as plain
from incidents.settings import sources
from incidents.testing import Rehearsal, rehearsal
from incidents.values import ids

HERE = Path(__file__).parent
BEGIN = datetime.fromisoformat("2025-08-01T00:00:00Z")
_OFTEN = re.compile(r"\{(\d+) (.+?)\}")
"""A text, repeated."""
_VARIABLE = re.compile("(?P<name>INCIDENTS_[A-Z_]+)=(?P<value>.*)")
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True)
class Line:
    """One command of a list, and when it is typed (UTC)."""

    at: datetime
    command: str


@dataclass(frozen=True)
class CommandOutput:
    """The answer of one command."""

    line: Line
    status: int
    out: str
    err: str


@dataclass
class Chance:
    """A seeded replacement for the machine's source of randomness."""

    seed: str = ""
    _drawn: Counter[int] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, seed: str) -> None:
        """Draw what follows from that seed."""
        self.seed, self._drawn = seed, Counter()
        random.seed(seed)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """All that is random comes from here, for as long as this lasts."""
        state = random.getstate()
        with mock.patch("os.urandom", self.draw), mock.patch("random._urandom", self.draw):
            yield
        random.setstate(state)

    def draw(self, size: int) -> bytes:
        """The next ones of that size: a salt is the same, however many shorter words are drawn."""
        with self._lock:
            self._drawn[size] += 1
            drawn = f"{self.seed}/{size}/{self._drawn[size]}"
        return hashlib.shake_256(drawn.encode()).digest(size)


class Stage:
    """A desk in a folder of its own, on which lists are played."""

    def __init__(self, clock: Rehearsal, chance: Chance) -> None:
        self.clock, self.chance = clock, chance
        self.decided: set[str] = set()
        """The names of the commands that the machine was asked."""

    def play(self, name: str, *, more: tuple[str, ...] = ()) -> Iterator[CommandOutput]:
        """Run each command of that list, with `more` options."""
        times = Counter[Line]()
        for line in lines(name):
            times[line] += 1
            self.clock.now = line.at
            self.chance.begin(f"{line.at}/{line.command}/{times[line]}")
            status, out, err = (
                (_unspoken(line.command), "", "")
                if line.command.startswith("@")
                else self.run(*shlex.split(_in_full(line.command)), *more)
            )
            yield CommandOutput(line, status, out, err)

    def run(self, *typed: str) -> tuple[int, str, str]:
        """Run one command: its exit status, and what it wrote on standard output and error.

        Variables of the environment may stand before it, as in a shell.
        """
        out, err = io.StringIO(), io.StringIO()
        variables = [found for word in typed if (found := _VARIABLE.fullmatch(word))]
        with (
            mock.patch.dict(os.environ, {each["name"]: each["value"] for each in variables}),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            status = main(list(typed[len(variables) :]))
        return status, out.getvalue(), err.getvalue()


def lines(name: str) -> Iterator[Line]:
    """The commands of a list."""
    for text in (HERE / name).read_text(encoding="utf-8").splitlines():
        if text and not text.startswith("#"):
            day, time, command = text.split(maxsplit=2)
            yield Line(datetime.fromisoformat(f"{day}T{time}Z"), command)


def _in_full(command: str) -> str:
    return _OFTEN.sub(lambda found: found[2] * int(found[1]), command)


@contextmanager
def stage(database: str, folder: Path, *, webhook: str) -> Iterator[Stage]:
    """A desk with that database, in an empty folder, unaware of this machine and its user."""
    shutil.copytree(HERE / "desk", folder, dirs_exist_ok=True)
    for password in folder.glob("*.password"):
        password.chmod(0o600)
    config = folder / "config.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("{url}", webhook), "utf-8")
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(folder), "INCIDENTS_DB": database,
        "INCIDENTS_CONFIG": str(config), "INCIDENTS_EVIDENCE": "evidence",
        "INCIDENTS_AUDIT_KEY": "audit.key", "INCIDENTS_AS": "operator-1",
        "INCIDENTS_CLOCK": "own", "INCIDENTS_ZONE": "UTC", "COLUMNS": "80",
    }  # fmt: skip
    chance = Chance()
    with (
        chance.alone(),
        chdir(folder),
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch("socket.gethostname", return_value="desk.example"),
        mock.patch("pwd.getpwuid", return_value=SimpleNamespace(pw_name="desk1")),
        # A person at a terminal would be asked.
        mock.patch("sys.stdin", io.StringIO()),
        # One attempt after the other: what is on record first must not depend on who is faster.
        mock.patch.object(WorkerPool, "submit", lambda _pool, work, _urgency: work()),
        mock.patch.object(comparison, "MAX_CONCURRENT", 1),
        # Argon2 as it is, but quick: what is slow on purpose is not what is looked at here.
        mock.patch.object(secrets, "_hasher", return_value=_CHEAP),
        rehearsal(BEGIN) as clock,
    ):
        staged = Stage(clock, chance)
        with mock.patch.object(batch, "decide", _noting(staged.decided)):
            yield staged


def _noting(decided: set[str]) -> object:
    def decide(case: object, command: c.Command, *more: object) -> object:
        decided.add(type(command).__name__)
        return plain(case, command, *more)  # type: ignore[arg-type]  # as it was called

    return decide


def _unspoken(command: str) -> int:
    """Do what the command line cannot, by the desk itself; 3 if it is refused."""
    kind, of, *words = shlex.split(command)
    site: str | int = of
    asked: c.Command
    if kind == "@customer":
        incident = ids.read_incident_id(of)
        assert incident is not None
        site, asked = incident[0], c.SayRemoved(incident=incident[1], note=words[0])
    else:
        assert kind == "@footer", command
        asked = c.RecordFooter(problems=tuple(words))
    app = open_app(sources.load())
    try:
        [answer] = app.desk.submit([Envelope(site=site, command=asked)])
    finally:
        app.close()
    return 0 if answer.refusal is None else 3
