"""The server: nginx itself, told to test and to load its files, and asked what it has loaded."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast, get_args

from incidents.enforcement import process
from incidents.enforcement.port import State
from incidents.enforcement.process import Ended

# After a reload the old workers go on for a tenth of a second (ngx_reconfigure), and longer on a
# busy machine; until they stop, an answer may come from either generation. So both this time and
# this many answers in a row must pass without an old one.
_SETTLED_S = 0.25
_SETTLED_ANSWERS = 12
_PAUSE_S = 0.02
_FAULT = re.compile(r"\[(?:emerg|alert|crit|error)\].*")
_ASKING_S = 1.0
_MAX_ANSWER_BYTES = 200


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nginx does not do what was asked; `problem` and `detail` are those of a Retry."""

    problem: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What nginx has told of what it has loaded, and of the host that it was asked about."""

    generation: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One nginx: the commands that work on it, and where it tells what it has loaded, if it does.

    Deadlines are monotonic times.
    """

    test_command: tuple[str, ...]
    reload_command: tuple[str, ...]
    probe: str | None

    def missing(self) -> str | None:
        """The command that is not there, or may not be run, as a sentence."""
        return process.missing(self.test_command) or process.missing(self.reload_command)

    def test(self, deadline: float) -> Trouble | None:
        """Has it read its files without using them; None when they are good."""
        return _told(self.test_command, "test", deadline)

    def reload(self, deadline: float) -> Trouble | None:
        """Tells it to use its files. It has been told then, and has not done it yet."""
        return _told(self.reload_command, "reload", deadline)

    def loaded(self, host: str, deadline: float) -> Loaded | None:
        """What it has loaded; None if it cannot be asked, or does not answer in time."""
        from http.client import HTTPConnection, HTTPException

        left = min(_ASKING_S, deadline - time.monotonic())
        if self.probe is None or left <= 0:
            return None
        connection = HTTPConnection(self.probe, timeout=left)
        try:
            connection.request("GET", "/", headers={"Host": host, "Connection": "close"})
            answer = connection.getresponse()
            return _read(answer.status, answer.read(_MAX_ANSWER_BYTES))
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def wait_for(self, is_wanted: Callable[[str], bool], deadline: float) -> Trouble | None:
        """None once it answers with a generation that is wanted, and with no other any more."""
        if self.probe is None:
            return None
        since, wanted = 0.0, 0
        while (now := time.monotonic()) < deadline:
            answer = self.loaded("localhost", deadline)
            if answer is None or not is_wanted(answer.generation):
                wanted = 0
            else:
                since = since if wanted else now
                wanted += 1
                if now - since >= _SETTLED_S and wanted >= _SETTLED_ANSWERS:
                    return None
            time.sleep(_PAUSE_S)
        return Trouble(
            "reload_pending",
            f"nginx does not answer at {self.probe} with what was written: see its error log, and"
            " whether its http block includes incidents.conf",
        )


def _told(command: tuple[str, ...], what: str, deadline: float) -> Trouble | None:
    left = deadline - time.monotonic()
    if left <= 0:
        return Trouble(f"{what}_timeout", "there was no time left for it")
    ended = process.run(command, timeout_s=left)
    if ended.problem is None:
        return None
    if ended.status is not None:
        return Trouble(f"{what}_failed", _complaint(ended))
    return Trouble(f"{what}_{ended.problem}", ended.detail)


def _complaint(ended: Ended) -> str | None:
    """Of what nginx has written the line that says what is wrong; the last one only says that."""
    for line in ended.errors:
        found = _FAULT.search(line)
        if found is not None:
            return found[0]
    return ended.errors[-1] if ended.errors else None


def _read(status: int, body: bytes) -> Loaded | None:
    generation, found, state = body.decode("ascii", "replace").partition(" ")
    if status != 200 or not found or state not in ("", *get_args(State)):
        return None
    return Loaded(generation=generation, state=cast("State", state or "active"))
