"""The lost tail: the end of a history is lost in every way in which a database comes back.

Acts are recorded, carried out and signed; the database is put back as it was before, or a standby
takes over that has not heard of all; more acts come. The receiver follows the documented rule,
three signers sign at once. Whatever the way:

- no daemon opens a site; until a person goes on, what may be down for what is lost is left so, and
  what the record says is down is down;
- what stands in the world in the end is what the record orders;
- no key has ever signed two histories;
- the record says from what it went on, and the tables are what it says;
- queue, daemons, `audit status` and `audit verify` say so.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from incidents import clock
from incidents.app import App
from incidents.audit.log import rotation, sequencer, signing
from incidents.audit.log.signed_files import InconsistentLogError
from incidents.audit.log.signing_key import KeyRing
from incidents.cli import main
from incidents.daemon import recovery_duty
from incidents.daemon.delivery import Delivery
from incidents.daemon.record import Record
from incidents.enforcement import routing
from incidents.enforcement.routing import Routing
from tests.fire import lost_tail_failover
from tests.fire.lost_tail_desk import (
    Receiver,
    Signed,
    agreed,
    desk,
    differing,
    epochs,
    give,
    judge,
    left,
    no_fork,
    numbered,
    on_record,
    opened,
    tells_of_loss,
    tells_that_nothing_is_signed,
    tells_what_is_left,
    tells_what_was_lost,
)
from tests.fire.lost_tail_ways import way

UNIT = "ways back"
WAYS = ("older file", "older cluster", "recovery", "dump", "failover")
SIGNERS = 3


def chunk(seed: int, folder: Path) -> Counter[str]:
    """One way back; what was seen."""
    drawn = random.Random(f"lost tail {seed}")
    name = WAYS[seed % len(WAYS)]
    own = {"INCIDENTS_AUDIT_KEY": str(folder / "audit.key"), "INCIDENTS_AS": "operator-1"}
    with mock.patch.dict(os.environ, own):
        found = (
            lost_tail_failover.lose(drawn, folder)
            if name == "failover"
            else _lose(name, drawn, folder)
        )
    return found + Counter({UNIT: int(found["entries lost"] > 0), name: 1})


def _lose(name: str, drawn: random.Random, folder: Path) -> Counter[str]:
    signed: Signed = {}
    receiver, ring = Receiver(), KeyRing(folder / "audit.key")
    routed = mock.patch.object(routing, "load", return_value=Routing(default=receiver))
    with routed, way(name, folder) as database:
        os.environ["INCIDENTS_DB"] = database.url
        assert main(["db", "upgrade"]) == 0
        with desk(database.url) as app:
            rotation.first(app.engine, ring, "log.example", on_record(app))
            acts = _acts(app, drawn, signed, ring)
        database.keep()
        with desk(database.url) as app:
            acts += _acts(app, drawn, signed, ring)
            had = numbered(app)
        database.put_back()
        back = time.monotonic()
        with desk(database.url) as app:
            lost = len(had) - len(numbered(app))
            acts += len(list(give(app, drawn)))
            _deliver(app)
            tells_of_loss(app)
            _carry_out(app)
            waits = left(app)
            assert differing(app, receiver.sites, but=waits) == []
            assert opened(app) == []
            if waits:
                tells_what_is_left(waits)
            # The missing entries still have to be recorded again.
            tells_of_loss(app)
            refused = not _sign(app, ring, signed)
            if refused:
                tells_that_nothing_is_signed(app)
        if refused or waits:
            assert main(["recover", "--reason", "the disk is gone"]) == 0
        with desk(database.url) as app:
            _carry_out(app)
            assert differing(app, receiver.sites) == []
            took_s = time.monotonic() - back
            acts += _acts(app, drawn, signed, ring)
            named = left(app)
            if named:
                tells_what_is_left(named)
                app.compare(named, by="sre-1", login=None, repair=True)
                _carry_out(app)
            judge(app, receiver)
            begun = epochs(app)
        tells_what_was_lost()
    no_fork(signed)
    return agreed(took_s) + Counter(
        {
            "acts acknowledged": acts, "entries lost": lost, "signing refused": int(refused),
            "keys": len(signed), "epochs": begun, "sites left down": len(waits),
            "new sites named": len(named),
        }
    )  # fmt: skip


def _acts(app: App, drawn: random.Random, signed: Signed, ring: KeyRing) -> int:
    """The number of acts."""
    done = 0
    for _ in range(drawn.randint(2, 4)):
        done += len(list(give(app, drawn)))
        _carry_out(app)
        assert _sign(app, ring, signed)
    return done


def _carry_out(app: App) -> None:
    for duty in (_deliver, recovery_duty.once, _deliver):
        duty(app)


def _deliver(app: App) -> None:
    delivery = Delivery(app, decided=lambda _: None)
    delivery.run()
    assert delivery.errors == []
    delivery.close()


def _sign(app: App, ring: KeyRing, signed: Signed) -> bool:
    """All signers at once; whether the log may be signed."""
    sequencer.number_all(app.engine)

    def sign(_: int) -> str | None:
        own = KeyRing(ring.file)
        made = signing.sign(app.engine, own, clock.now(), at_once=True).made
        return None if made is None else made.key

    try:
        with ThreadPoolExecutor(SIGNERS) as pool:
            made = {key for key in pool.map(sign, range(SIGNERS)) if key is not None}
    except InconsistentLogError:
        # A daemon notes it for those who look.
        Record(app, at_once=True).run()
        return False
    history = numbered(app)
    for key in made:
        signed.setdefault(key, []).append(history)
    return True
