"""An operator, as a process of its own: acts on one site at random until told to stop.

    python -m tests.acceptance.operators SITE SEED

The database is INCIDENTS_DB. Stops when standard input ends, and writes how many acts of each kind
took effect, as JSON.
"""

import json
import os
import random
import select
import sys
import time
from collections import Counter

from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store.database import engine

_MOST_THOUGHT_S = 0.02


def work(desk: Desk, site: str, person: str, chance: random.Random) -> Counter[str]:
    """Act until standard input ends; return how many of each kind took effect."""
    done, last = Counter[str](), 1
    while not select.select([sys.stdin], [], [], 0)[0]:
        # The late ones are those that the other operator acts on too.
        incident = max(1, last - chance.randrange(6))
        command = act(person, incident, chance, nonce=sum(done.values()))
        [answer] = desk.submit([Envelope(site=site, command=command)])
        done[type(command).__name__] += answer.refusal is None
        time.sleep(chance.random() * _MOST_THOUGHT_S)
        incidents = answer.document["incidents"]
        last = max(last, *(int(found["id"].split("-")[1]) for found in incidents), 1)
    return done


def act(by: str, incident: int, chance: random.Random, *, nonce: int) -> c.Command:
    """Something that an operator may want."""
    acts: tuple[c.Command, ...] = (
        c.Log(by=by, urls=(f"http://{by}.example/{nonce}",)),
        c.RecordContact(by=by, incident=incident, outcome="reached"),
        c.RecordContact(by=by, incident=incident, outcome="no-answer"),
        c.RecordContact(by=by, incident=None, outcome="reached"),
        c.StateRemoved(by=by, incident=incident),
        c.VoidIncident(by=by, incident=incident, reason="no violation"),
        c.SetHold(by=by, reason="order"),
        c.LiftHold(by=by, reason="order lifted"),
        c.AskReinstatement(by=by, reason="appeal"),
        c.Approve(by=by),
    )
    return chance.choices(acts, weights=(3, 2, 1, 1, 1, 2, 1, 3, 3, 3))[0]


if __name__ == "__main__":
    _, site, seed = sys.argv
    desk = Desk(engine.create(os.environ["INCIDENTS_DB"]))
    json.dump(work(desk, site, f"operator-{seed}", random.Random(seed)), sys.stdout)
