"""The acts beside a failover: through the API all the time, and by one command after the other.

Each is written down before it is sent, and sent again under the same key until it is answered.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from tests.fire.failover_desk import PORT, Desk
from tests.fire.ledger import Intent, LedgerFile, acknowledgement

API_ACTOR, SHELL_ACTOR = "wang", "operator-1"
API_SITES = tuple(f"served-{n}.example" for n in range(240))
SHELL_SITES = tuple(f"typed-{n}.example" for n in range(20))

_EACH_S, _AT_ONCE = 0.15, 16
_LIMIT_S = 5.0
_TRIED_AGAIN_S = 0.2
_BETWEEN_COMMANDS_S = 0.5
_COMMAND_LIMIT_S = 900.0
_END_LIMIT_S = 900.0
_KINDS = ("incident_logged", "hold_set", "incident_logged", "hold_lifted")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at an act, from when to when (seconds, monotonic)."""

    sent: float
    ended: float
    done: bool
    said: str


@dataclass(slots=True)
class Tries:
    """The attempts of one surface, and what was no answer at all."""

    ledger: LedgerFile
    attempts: list[Attempt] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def first_done(self, after: float) -> float | None:
        """When the first act after that moment was acknowledged."""
        return min((a.ended for a in self.attempts if a.done and a.ended > after), default=None)

    def longest_failure(self) -> float:
        """The longest time that an attempt took to fail, in seconds."""
        return max((a.ended - a.sent for a in self.attempts if not a.done), default=0.0)

    def longest_gap(self, after: float) -> float:
        """The longest time from then on without an acknowledged act, in seconds."""
        ended = sorted(a.ended for a in self.attempts if a.done and a.ended > after)
        return max((after - before for before, after in pairwise(ended)), default=0.0)

    def usual(self, before: float) -> float:
        """The median time of an act before that moment, in seconds."""
        return median(a.ended - a.sent for a in self.attempts if a.done and a.ended < before)

    @property
    def done(self) -> int:
        """The number of attempts that were acknowledged."""
        return sum(each.done for each in self.attempts)

    @property
    def failed(self) -> int:
        """The number of attempts that were not acknowledged."""
        return len(self.attempts) - self.done

    def said(self) -> Counter[str]:
        """What the attempts ended with."""
        return Counter(each.said for each in self.attempts)

    def try_until_done(self, intent: Intent, send: Callable[[], tuple[str, Any]]) -> None:
        """Send until it is acknowledged: `send` answers what it heard, and the document if done."""
        self.ledger.intend(intent)
        give_up = time.monotonic() + _END_LIMIT_S
        while True:
            sent = time.monotonic()
            said, document = send()
            done = document is not None
            self.attempts.append(Attempt(sent, time.monotonic(), done, said))
            if done:
                self.ledger.acknowledge(acknowledgement(intent.key, document, None))
                return
            if self.wrong:
                return
            if time.monotonic() > give_up:
                self.wrong.append(f"no answer to {intent.key} in {_END_LIMIT_S:.0f} s: {said}")
                return
            time.sleep(_TRIED_AGAIN_S)


class Api:
    """A client that sends an act each 150 ms, whether those before are answered or not."""

    def __init__(self, desk: Desk, folder: Path, over: threading.Event) -> None:
        self.tries = Tries(LedgerFile(folder / "api.jsonl"))
        self._token, self._over = desk.token, over
        self._idle = deque(API_SITES)
        self._step = Counter[str]()
        self._room = threading.Semaphore(_AT_ONCE)

    def work(self) -> None:
        """Act until it is over, and all is answered."""
        working: list[threading.Thread] = []
        while not self._over.wait(_EACH_S):
            if self._room.acquire(blocking=False):
                thread = threading.Thread(target=self._act, args=[self._idle.popleft()])
                thread.start()
                working.append(thread)
        for each in working:
            each.join()

    def _act(self, site: str) -> None:
        try:
            n = self._step[site]
            self._step[site] += 1
            kind, key = _KINDS[n % len(_KINDS)], f"{site} {n}"
            intent = Intent(key=key, site=site, actor=API_ACTOR, kind=kind)
            body: dict[str, Any] = {"reason": "by order"}
            path = "hold" if kind == "hold_set" else "unhold"
            if kind == "incident_logged":
                path, body = "incidents", {"urls": [f"http://{site}/{n}"]}
            self.tries.try_until_done(intent, lambda: self._send(f"{site}/{path}", key, body))
        finally:
            self._idle.append(site)
            self._room.release()

    def _send(self, path: str, key: str, body: dict[str, Any]) -> tuple[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._token}", "Idempotency-Key": key,
            "Content-Type": "application/json",
        }  # fmt: skip
        connection = HTTPConnection("127.0.0.1", PORT, timeout=_LIMIT_S)
        try:
            connection.request("POST", f"/api/v1/sites/{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, HTTPException) as error:
            return type(error).__name__, None
        finally:
            connection.close()
        if answer.status in (200, 201):
            return "200", json.loads(told)
        if 400 <= answer.status < 500 and answer.status != 429:
            self.tries.wrong.append(f"{key}: {answer.status} {told[:300]!r}")
        return str(answer.status), None


class Shell:
    """Somebody who types one command after the other, each a process of its own."""

    def __init__(self, desk: Desk, folder: Path, over: threading.Event) -> None:
        self.tries = Tries(LedgerFile(folder / "shell.jsonl"))
        self._desk, self._over = desk, over

    def work(self) -> None:
        """Act until it is over."""
        n = 0
        while not self._over.wait(_BETWEEN_COMMANDS_S):
            site = SHELL_SITES[n % len(SHELL_SITES)]
            key = f"{site} {n}"
            intent = Intent(key=key, site=site, actor=SHELL_ACTOR, kind="incident_logged")
            words = ["log", site, "--url", f"http://{site}/{n}", "--key", key, "--json"]
            self.tries.try_until_done(intent, lambda words=words: self._type(words))  # type: ignore[misc]  # bound now
            n += 1

    def _type(self, words: Sequence[str]) -> tuple[str, Any]:
        process = self._desk.process(*words, "--as", SHELL_ACTOR)
        try:
            out, errors = process.communicate(timeout=_COMMAND_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.tries.wrong.append(f"{words}: no end in {_COMMAND_LIMIT_S:.0f} s")
            return "no end", None
        if process.returncode == 0:
            return "0", json.loads(out)
        if process.returncode != 1 or b"Traceback" in errors:
            self.tries.wrong.append(f"{words}: {process.returncode} {errors[-500:]!r}")
        return " ".join(errors.decode().split())[:160] or str(process.returncode), None
