"""The operator beside a daemon that catches up: logs in a loop, and takes the time of each act.

    python -m tests.fire.downtime_operator LEDGER SITE…

The database is INCIDENTS_DB. It logs on its own sites (`operators-00000.example` …) in turn; each
fifth act is a call about one of the SITEs, which are in the daemon's way. It says "ready", acts
until standard input ends, and writes how many seconds each act took, as JSON.
"""

import json
import os
import select
import sys
import time
from itertools import count, cycle
from pathlib import Path

from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database import engine
from tests.fire.ledger import Intent, LedgerFile, acknowledgement

OWN_SITES = tuple(f"operators-{n:05}.example" for n in range(500))
_EACH = 5


def work(desk: Desk, ledger: LedgerFile, overdue: list[str]) -> list[float]:
    """Act until standard input ends; how long each act took, in seconds."""
    own, others, took = cycle(OWN_SITES), cycle(overdue), list[float]()
    for n in count():
        if select.select([sys.stdin], [], [], 0)[0]:
            return took
        actor = f"operator-2-{n}"
        command: c.Command
        if n % _EACH == _EACH - 1:
            site, kind = next(others), "contact_recorded"
            command = c.RecordContact(by=actor, incident=1, outcome="no-answer")
        else:
            site, kind = next(own), "incident_logged"
            command = c.Log(by=actor, again=True)
        ledger.intend(Intent(key=actor, site=site, actor=actor, kind=kind))
        began = time.monotonic()
        [answer] = desk.submit([Envelope(site=site, command=command)])
        took.append(time.monotonic() - began)
        refusal = None if answer.refusal is None else answer.refusal.name
        ledger.acknowledge(acknowledgement(actor, answer.document, refusal))
    raise AssertionError


if __name__ == "__main__":
    own_desk = Desk(engine.create(os.environ["INCIDENTS_DB"]))
    own_desk.policy()
    print("ready", flush=True)  # noqa: T201 - its answer to who has started it
    with LedgerFile(Path(sys.argv[1])) as written:
        json.dump(work(own_desk, written, sys.argv[2:]), sys.stdout)
