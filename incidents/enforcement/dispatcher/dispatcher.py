"""The courier: what carrying out orders stands on, who carries out what, and what came of it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine

from incidents import clock
from incidents.desk import Desk
from incidents.enforcement.dispatcher.brake import Brake
from incidents.enforcement.dispatcher.continuity import Continuity
from incidents.enforcement.dispatcher.first_look import Compare
from incidents.enforcement.port import Adapter, Order, Outcome
from incidents.store.orders.leases import Claimed

UNHEARD_FOR = timedelta(days=3)
"""News that nobody has looked at for so long has nobody who would tell it."""

Choose = Callable[[Order], Adapter]
"""Who carries an order out."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an attempt; no outcome: it was not made."""

    claimed: Claimed
    adapter: str
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """What a courier stands on: the desk, who carries out what in each lane, and its own name.

    A lane that nobody is named for is left to others; one of `unheard`, which by the settings has
    nobody here, until `UNHEARD_FOR` shows that there are none: it then goes on record that nobody
    was told.

    `give_up_after` is how long an order is tried; `workers` attempts are made at once, for each
    adapter. `brake` says how many sites may be taken down at once; None: any number. `clock` gives
    the machine's time (UTC), for a database that has none. `seconds` is a clock that nobody sets:
    how long an attempt was in line. `continuity` keeps what was there when an order went out, and
    nothing is taken in hand on a server that nobody has looked at; `compare` compares sites with
    the world before anything is delivered to them after a loss. `observed` is told what came of
    each attempt, when it is recorded.
    """

    engine: Engine
    desk: Desk
    lanes: Mapping[str, Choose]
    name: str
    give_up_after: timedelta
    workers: int = 16
    unheard: Collection[str] = ()
    brake: Brake | None = None
    continuity: Continuity | None = None
    compare: Compare | None = None
    login: str | None = None
    chance: Callable[[], float] = random.random
    clock: Callable[[], datetime] = clock.now
    seconds: Callable[[], float] = time.monotonic
    observed: Callable[[Done, datetime], object] = lambda *_: None
