"""The burning: processes that are killed, stopped and started again, and the story of that."""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

from incidents import clock
from tests.nursery import Child, Nursery, nursery_for

_RARELY_ANEW = 0.1


@dataclass(slots=True)
class Target:
    """One of the processes: how it is started, and which it is now.

    `resumes_at` is when it is woken, in the time of `time.monotonic`; None if it is not stopped.
    """

    name: str
    words: Sequence[str]
    module: str = ""
    process: Child | None = None
    resumes_at: float | None = None

    @property
    def now(self) -> Child:
        """The process that it is."""
        assert self.process is not None
        return self.process


class Fire:
    """The faults inflicted on processes; `folder` gets their logs, and the story."""

    def __init__(
        self,
        burning: Sequence[Target],
        nursery: Nursery,
        env: Mapping[str, str],
        folder: Path,
        chance: Random,
        clock_now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.figures = Counter[str]()
        self.all = burning
        self._nursery, self._env, self._folder = nursery, env, folder
        self._chance, self._now = chance, clock_now
        self._story = (folder / "story.jsonl").open("w")

    def start(self, each: Target) -> None:
        """Begin; now and then from nothing, as a user's shell does."""
        anew = self._chance.random() < _RARELY_ANEW
        with ExitStack() as stack:
            nothing = stack.enter_context(Path(os.devnull).open("rb"))
            log = stack.enter_context(self._log(each).open("ab"))
            each.process = self._nursery.begin(
                each.words, module=each.module, env=self._env, anew=anew,
                streams=(nothing.fileno(), log.fileno(), log.fileno()),
            )  # fmt: skip
        each.resumes_at = None
        self.tell(started=each.name, pid=each.now.pid, anew=anew)
        self.figures["starts from nothing"] += anew

    def kill(self, each: Target) -> None:
        """Kill it, and start another one in its place."""
        stopped = each.resumes_at is not None
        self.end(each, signal.SIGKILL, -signal.SIGKILL)
        self.tell(killed=each.name, pid=each.now.pid, stopped=stopped)
        self.figures["kills"] += 1
        self.figures[f"kills of {each.name.partition('-')[0]}s"] += 1
        self.figures["kills of what was stopped"] += stopped
        self.start(each)

    def end(self, each: Target, by: signal.Signals, *statuses: int) -> None:
        """Send it the signal, and see how it ends."""
        os.kill(each.now.pid, by)
        status = each.now.wait()
        assert status in statuses, self._ended_by_itself(each)

    def pause(self, each: Target, for_s: float) -> None:
        """Stop it for so long, with all its processes."""
        os.killpg(each.now.pid, signal.SIGSTOP)
        each.resumes_at = time.monotonic() + for_s
        self.tell(paused=each.name, pid=each.now.pid, for_s=for_s)
        self.figures["pauses"] += 1

    @property
    def awake(self) -> list[Target]:
        """The processes that are not stopped."""
        return [each for each in self.all if each.resumes_at is None]

    def wake(self, until: float) -> None:
        """Let those go on whose time has come."""
        for each in self.all:
            if each.resumes_at is not None and each.resumes_at <= until:
                os.killpg(each.now.pid, signal.SIGCONT)
                each.resumes_at = None
                self.tell(resumed=each.name, pid=each.now.pid)

    def see_all_alive(self) -> None:
        """Nobody ends by itself."""
        for each in self.all:
            assert each.now.poll() is None, self._ended_by_itself(each)

    def clear(self) -> int:
        """Kill what the processes have left behind; how many there were."""
        return self._nursery.clear()

    def lines(self) -> Iterator[tuple[Target, str]]:
        """The lines of their logs."""
        for each in self.all:
            for line in self._log(each).read_text().splitlines():
                yield each, line

    def tell(self, **what: Any) -> None:
        """Write down what was done."""
        told = {"at": clock.rfc3339(self._now())} | what
        self._story.write(json.dumps(told) + "\n")
        self._story.flush()

    def close(self) -> None:
        """Close the story."""
        self._story.close()

    def _log(self, each: Target) -> Path:
        return self._folder / f"{each.name}.log"

    def _ended_by_itself(self, each: Target) -> str:
        log = self._log(each).read_text()
        return f"{each.name} ended by itself, with status {each.now.poll()}: …{log[-3_000:]}"


@contextmanager
def fire(
    burning: Sequence[Target],
    env: Mapping[str, str],
    folder: Path,
    chance: Random,
    clock_now: Callable[[], datetime] = clock.now,
) -> Iterator[Fire]:
    """Inflict it on processes that are started later; at its end none of them is left."""
    with nursery_for(env).apart() as nursery:
        made = Fire(burning, nursery, env, folder, chance, clock_now)
        try:
            yield made
        finally:
            made.close()
