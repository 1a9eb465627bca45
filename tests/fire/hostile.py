"""Hostile input: what is asked of every command, whatever it is given.

No traceback and no fault; an exit status of the table; no control character or bidi override of
somebody else's on the terminal; nothing written but the database's folder and the files that the
list itself names; an end within a bounded time.
"""

import json
import os
import random
import re
import shutil
import signal
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from tests.databases import postgresql_server, sqlite_folder
from tests.fire import hostile_files, hostile_words
from tests.fire.cell import Cell
from tests.fire.hostile_arguments import (
    Leaf,
    can_be_typed,
    draw,
    leaves,
    names_a_place,
    replayed,
)
from tests.fire.hostile_words import MAGENTA
from tests.nursery import Outcome
from tests.patience import PATIENCE_S

UNIT = "lists"
LISTS = 400
"""So many argument lists are one piece of the long run."""

_WATCH_S = 1.0
"""So long a command that goes on until it is stopped does so."""
_MOST_SAID = 64 * 1024
_ONE_IN_SO_MANY_IS_A_PROCESS = 40

_STATUSES = range(6)
# By SIGTERM; one that has to put its terminal back ends as a shell tells of that.
_STOPPED = (-signal.SIGTERM, 128 + signal.SIGTERM)
_IN_PERSON = (["site", "approve"], ["site", "reinstate"])
_FAULTS = (b"Traceback (most recent call last)", b"fault in this program", b"Exception ignored",
           b"Warning: ", b"[fault]")  # fmt: skip
# Line ends and tabs are what people write; U+200C and U+200D join letters of honest words.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\U000e0000-\U000e007f]"
)
_PAINT = re.compile(r"\x1b\[(?!35m)[0-9;]{1,20}m")
_BARS = re.compile(r"\x1b\[\?25[hl]|\x1b\[K|\r")
_WITH_A_BAR = ("import", "simulate", "audit")

_HISTORY = (
    "site add a.example --phone +1-555-0100 --person p",
    "site add closed.example",
    "site add b.example --email a@b.example",
    "site add held.example",
    "log a.example --url http://a.example/x --category code",
    "contact 1-1 no-answer",
    "contact 1-1 reached",
    "log a.example --again",
    "log b.example",
    "log closed.example",
    "log closed.example --again",
    "log closed.example --again",
    "void 2-2 --reason error",
    "log held.example",
    "site hold held.example --reason order",
    "site reinstate closed.example --reason appeal",
)


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Runs `LISTS` hostile argument lists: how many came to which status.

    Every fourth piece is on PostgreSQL. Raises AssertionError with the command that replays the
    failure.
    """
    room = folder / "room"
    if seed % 4 == 3:
        with postgresql_server() as server, server.at_head() as url:
            figures = attack(url, room, seed, LISTS)
    else:
        with sqlite_folder() as files, files.at_head() as url:
            figures = attack(url, room, seed, LISTS)
    shutil.rmtree(room)
    return figures


def attack(url: str, room: Path, seed: int, lists: int) -> Counter[str]:
    """Runs so many lists on the database `url`, which is at the newest schema and empty.

    And more, until one was obeyed and one was given on a terminal: what is always refused would
    prove little of the commands.
    """
    chance = random.Random(seed)
    tree = list(leaves())
    figures: Counter[str] = Counter()
    cell = _cell(url, room)
    for line in _HISTORY:
        told = cell.run(line.split())
        assert told.status == 0, (line, told)
    for number in count():
        if number >= lists and figures["status 0"] and figures["on a terminal"]:
            figures["lists"] = number
            break
        _one(cell, room, chance, tree, f"seed {seed}, list {number}", figures)
    checked = cell.run(["audit", "replay"])
    assert checked.status == 0, checked.out + checked.err
    return figures


def _cell(url: str, room: Path) -> Cell:
    """A cell whose home, working folder and database's folder all lie in `room`."""
    for name in ("db", "work", "home"):
        (room / name).mkdir(parents=True)
    hostile_files.lay_out(room / "work")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("INCIDENTS_")}
    if url.startswith("sqlite:///"):
        (room / "db" / "incidents.db").write_bytes(
            Path(url.removeprefix("sqlite:///")).read_bytes()
        )
        url = f"sqlite:///{room / 'db' / 'incidents.db'}"
    environment = kept | {
        "INCIDENTS_DB": url,
        "INCIDENTS_AS": "operator-1",
        "INCIDENTS_EVIDENCE": str(room / "db" / "evidence"),
        "HOME": str(room / "home"),
        "TERM": "xterm-256color",
        **{f"XDG_{name}_HOME": str(room / "home" / name) for name in ("DATA", "CONFIG", "CACHE")},
    }
    return Cell(room / "work", environment)


def _one(
    cell: Cell,
    room: Path,
    chance: random.Random,
    tree: Sequence[Leaf],
    where: str,
    figures: Counter[str],
) -> None:
    words = draw(chance, tree)
    piped = hostile_files.piped(chance)
    terminal = chance.random() < 0.4
    encoding = chance.choice(("utf-8",) * 9 + ("ascii",))
    variables = hostile_words.variables(chance) if chance.random() < 0.1 else {}
    before = _outside(room)
    began = time.monotonic()
    anew = can_be_typed(words) and chance.randrange(_ONE_IN_SO_MANY_IS_A_PROCESS) == 0
    if anew:
        terminal, encoding, variables = False, "utf-8", {}
        figures["processes"] += 1
    outcome = cell.run(
        words, piped=piped, terminal=terminal, encoding=encoding, variables=variables,
        limit_s=_limit(words), anew=anew,
    )  # fmt: skip
    took_s = time.monotonic() - began
    wrong = complaint(words, outcome, terminal=terminal)
    changed = sorted(before.items() ^ _outside(room).items())
    if wrong is None and changed and not (names_a_place(words) or variables):
        wrong = f"it has written {changed[:4]}"
    assert wrong is None, (
        f"{where} ({'terminal' if terminal else 'pipe'}, {encoding}, {variables}): {wrong}\n"
        f"  {replayed(words)}\n  piped: {piped[:200]!r}\n  status {outcome.status} after "
        f"{took_s:.1f} s\n  out: {outcome.out[:2_000]!r}\n"
        f"  err: {outcome.err[-2_000:]!r}"
    )
    figures[f"status {outcome.status}"] += 1
    figures["on a terminal"] += terminal
    figures["took over 5 s"] += took_s > 5 and not _goes_on(words)


def _limit(words: Sequence[str]) -> float:
    return _WATCH_S if _goes_on(words) else PATIENCE_S


def _goes_on(words: Sequence[str]) -> bool:
    """Whether it runs until it is stopped, or may ask for a password that nobody types."""
    asks = words[:1] in (["account"], ["token"]) or words[:2] in _IN_PERSON
    return (
        asks
        or words[:1] in (["daemon"], ["serve"])
        or any("--watch".startswith(w) and w[:3] == "--w" for w in words)
    )


def complaint(words: Sequence[str], outcome: Outcome, *, terminal: bool) -> str | None:
    """What is wrong with the outcome of these words; None if nothing is."""
    for fault in _FAULTS:
        if fault in outcome.out + outcome.err:
            return f"it says {fault.decode()!r}"
    if outcome.late and not _goes_on(words):
        return "it did not come to an end"
    if outcome.status not in _STATUSES and not (outcome.late and outcome.status in _STOPPED):
        return f"exit status {outcome.status}"
    if len(outcome.err) > _MOST_SAID:
        return f"it says {len(outcome.err):,} bytes on standard error"
    return (
        _unclean(words, outcome.out, terminal=terminal)
        or _unclean(words, outcome.err, terminal=False)
        or _not_json(words, outcome, terminal=terminal)
    )


def _unclean(words: Sequence[str], written: bytes, *, terminal: bool) -> str | None:
    try:
        text = written.decode()
    except UnicodeDecodeError as error:
        return f"it writes what is not UTF-8: {error}"
    if terminal:
        text = _PAINT.sub("", text)
        if any(word in _WITH_A_BAR for word in words):
            text = _BARS.sub("", text)
        if _goes_on(words):
            text = re.sub(r"\x1b\[\?[0-9]+[hl]|\x1b\[[0-9;]*[HJA]|\x1b\[2K|\r", "", text)
    elif _is_data(words):
        return "it paints data" if MAGENTA in text else None
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    return (
        f"it writes U+{ord(found[0]):04X}: {text[max(0, found.start() - 60) : found.end() + 60]!r}"
    )


def _is_data(words: Sequence[str]) -> bool:
    """Whether a program reads what is written, to the byte: rows of CSV, and entries as stored."""
    return "csv" in words or "--format=csv" in words or words[:2] == ["audit", "export"]


def _not_json(words: Sequence[str], outcome: Outcome, *, terminal: bool) -> str | None:
    if outcome.status != 0 or terminal or outcome.out[:1] != b"{" or "--json" not in words:
        return None
    try:
        json.loads(outcome.out)
    except ValueError as error:
        return f"it writes what is not JSON: {error}"
    return None


def _outside(room: Path) -> dict[str, tuple[int, int]]:
    """What lies in the room outside the database's folder: size and time of change, by path."""
    found = {}
    for folder, folders, names in os.walk(room):
        if Path(folder) == room:
            folders.remove("db")
        if Path(folder) == room / "home" / "DATA" and "incidents" in folders:
            folders.remove("incidents")  # where the database lies when none is named
        for name in names:
            status = os.lstat(os.path.join(folder, name))  # noqa: PTH118 - names need not be text
            found[f"{folder}/{name}"] = (status.st_size, status.st_mtime_ns)
    return found
