"""The script: a history that failed, as the commands that a person types to see it again.

Each command stands in a time of its own, which `faketime` tells it (Debian: apt-get install
faketime); the database is a new file. What one transaction held is typed one after the other. What
nobody types (what a courier or a customer says, the clock with no courier beside it) is said to
the desk as it is.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from incidents.clock import rfc3339
from incidents.machine import commands as c
from incidents.machine.command import BY_HAND, FOR_CUSTOMER
from incidents.machine.policy import Policy
from incidents.values.ids import order_id
from tests.fire.step_worlds import REASON, Asked
from tests.machine.random_histories import START, Numbers

Activated = tuple[datetime, Numbers]

_HEAD = """\
export INCIDENTS_DB=sqlite:///${1:-$(mktemp -d)/replayed.db} INCIDENTS_ZONE=UTC INCIDENTS_CLOCK=own
export FAKETIME_DONT_FAKE_MONOTONIC=1
at() { local time=$1; shift; faketime -f "$time" "$@" || echo "exit status $?"; }
SAY='
import os, sys
from incidents.desk import Desk, Envelope
from incidents.machine.commands import *
from incidents.store.database.engine import create
desk = Desk(create(os.environ["INCIDENTS_DB"]))
if len(sys.argv) == 1:
    while desk.elapse(): pass
else:
    [said] = desk.submit([Envelope(site=sys.argv[1], command=eval(sys.argv[2]))])
    sys.exit(said.refusal and said.refusal.name)
'
incidents db upgrade"""


def script(policy: Numbers, asked: Sequence[Asked | Activated]) -> str:
    """The commands of a history under `policy`, for bash; $1 is the file, if one is wanted."""
    numbers: dict[str, int] = {}
    lines = [_HEAD]
    if policy:
        lines += _activate((START, policy))
    for each in asked:
        lines += _activate(each) if isinstance(each, tuple) else _command(each, numbers)
    return "\n".join([*lines, "incidents audit replay"])


def _activate(what: Activated) -> Iterator[str]:
    now, numbers = what
    yield f"cat > policy.toml <<'EOF'\n{Policy(**numbers).toml()}EOF"
    yield _at(
        now, "incidents", ["policy", "activate", "policy.toml", "--reason", REASON, "--as", "p"]
    )


def _command(asked: Asked, numbers: dict[str, int]) -> Iterator[str]:
    command = asked.command
    if isinstance(command, c.AddSite):
        numbers.setdefault(asked.site, len(numbers) + 1)
    number = numbers.get(asked.site, 0)
    if isinstance(command, c.Elapse):
        # The orders that the daemon carries out beside it are not in the history.
        yield f'{_at(asked.now, "python -c", [])} "$SAY"  # incidents daemon --once'
        return
    if type(command) not in _WORDS or _is_not_typed(command):
        said = shlex.join([asked.site, repr(command)])
        yield f'{_at(asked.now, "python -c", [])} "$SAY" {said}'
        return
    words = _WORDS[type(command)](asked.site, number, command)
    if isinstance(command, c.ImportIncident):
        yield f"echo {shlex.quote(json.dumps(_line(asked.site, command)))} > past.jsonl"
    if isinstance(command, c.Attach):
        yield f"echo {command.digest} > evidence"
    words += ["--as", command.by]
    if getattr(command, "at", None) is not None and not isinstance(command, c.ImportIncident):
        words += ["--at", rfc3339(command.at)]  # type: ignore[attr-defined]  # has one
    if asked.key is not None:
        words += ["--key", asked.key]
    yield _at(asked.now, "incidents", words)


def _is_not_typed(command: c.Command) -> bool:
    """An order that is cancelled by a dispatcher, or by a person who knows whether it was tried."""
    by_hand = isinstance(command, c.CancelOrder) and command.why == BY_HAND
    return isinstance(command, c.CancelOrder) and not (by_hand and command.tried is None)


def _at(now: datetime, program: str, words: list[str]) -> str:
    # Half a microsecond more: the time goes through a float on its way.
    time = (now.replace(tzinfo=None)).strftime("%Y-%m-%d %H:%M:%S.%f") + "5"
    return f"TZ=UTC at '{time}' {program} {shlex.join(words)}".rstrip()


def _line(site: str, command: c.ImportIncident) -> Mapping[str, str]:
    line = {
        "site": site,
        "occurred_at": rfc3339(command.at),
        "url": " ".join(command.urls) or None,
        "contact": command.contact,
        "contact_at": None if command.contact_at is None else rfc3339(command.contact_at),
        "removed_at": None if command.removed_at is None else rfc3339(command.removed_at),
    }
    return {name: value for name, value in line.items() if value is not None}


def _log(site: str, _number: int, command: c.Log) -> list[str]:
    urls = [word for url in command.urls for word in ("--url", url)]
    return ["log", site, *urls, *(["--again"] if command.again else [])]


def _contact(site: str, number: int, command: c.RecordContact) -> list[str]:
    whom = site if command.incident is None else f"{number}-{command.incident}"
    return ["contact", whom, command.outcome]


def _note(_site: str, number: int, command: c.AddNote) -> list[str]:
    to = ["--to-customer"] if command.audience == FOR_CUSTOMER else []
    return ["note", f"{number}-{command.incident}", command.text, *to]


_Words = Callable[[str, int, Any], list[str]]

_WORDS: dict[type[c.Command], _Words] = {
    c.AddSite: lambda site, number, x: ["site", "add", site],
    c.EditSite: lambda site, number, x: ["site", "edit", site, "--phone", "+86 10 5555 0100"],
    c.Log: _log,
    c.ImportIncident: lambda site, number, x: ["import", "past.jsonl"],
    c.RecordContact: _contact,
    c.VoidContact: lambda site, number, x: [
        "void-contact", f"{number}-{x.incident}-{x.contact}", "--reason", "r",
    ],
    c.VoidIncident: lambda site, number, x: ["void", f"{number}-{x.incident}", "--reason", "r"],
    c.StateRemoved: lambda site, number, x: ["removed", f"{number}-{x.incident}"],
    c.StateRefused: lambda site, number, x: [
        "refused", f"{number}-{x.incident}", "--confirm", site,
    ],
    c.Recur: lambda site, number, x: ["recur", f"{number}-{x.incident}"],
    c.TakeBack: lambda site, number, x: ["take-back", f"{number}-{x.incident}", "--reason", "r"],
    c.StateFalse: lambda site, number, x: [
        "site", "false-info", site, "--field", "phone", "--evidence", "e", "--confirm", site,
    ],
    c.SetHold: lambda site, number, x: ["site", "hold", site, "--reason", "r"],
    c.LiftHold: lambda site, number, x: ["site", "unhold", site, "--reason", "r"],
    c.AskReinstatement: lambda site, number, x: ["site", "reinstate", site, "--reason", "r"],
    c.Approve: lambda site, number, x: ["site", "approve", site],
    c.Decline: lambda site, number, x: ["site", "decline", site, "--reason", "r"],
    c.Uphold: lambda site, number, x: ["site", "uphold", site, "--reason", "r"],
    c.ClaimItem: lambda site, number, x: ["claim", f"{number}-{x.item}"],
    c.ReleaseItem: lambda site, number, x: ["release", f"{number}-{x.item}"],
    c.HandOver: lambda site, number, x: ["hand-over", x.to],
    c.CompleteTask: lambda site, number, x: ["done", f"{number}-t{x.task}", "--outcome", "seen"],
    c.Attach: lambda site, number, x: ["attach", f"{number}-{x.incident}", "evidence"],
    c.AddNote: _note,
    c.StateReported: lambda site, number, x: ["reported", f"{number}-{x.incident}"],
    c.RevokeLinks: lambda site, number, x: ["revoke-links", f"{number}-{x.incident}"],
    c.RetryOrder: lambda site, number, x: ["acts", "retry", order_id(number, x.order, x.lane)],
    c.CancelOrder: lambda site, number, x: [
        "acts", "cancel", order_id(number, x.order, x.lane), "--reason", "r",
    ],
}  # fmt: skip
