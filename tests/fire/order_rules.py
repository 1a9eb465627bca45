"""The rules of a site's entries about its orders: each settled once, in order, and by whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from tests.fire import outbox
from tests.fire.record import DISPATCHER, Entry

ACT, NOTICE, DESK = "act", "notice", "desk"
_LANES = {
    "suspend": (ACT, NOTICE), "reopen": (ACT, NOTICE), "close": (ACT, NOTICE),
    "notify": (NOTICE,), "call": (DESK,), "alarm": (DESK,),
}  # fmt: skip
FORCE = {"suspend": "suspended", "reopen": "active", "close": "closed"}


@dataclass(slots=True)
class Waiting:
    """An order that is not settled in a lane; `dead`: it was given up."""

    kind: str
    dead: bool = False


@dataclass(slots=True)
class Orders:
    """The orders of one site: those that wait, by their number and lane, and what is in force.

    `there` holds the numbers of those that the outbox has, where it is known; where it is not, what
    was suspended and opened at one moment was opened in the same transaction, and never ordered.
    """

    there: frozenset[int] | None = None
    waiting: dict[tuple[int, str], Waiting] = field(default_factory=dict)
    in_force: str = "active"
    hold: tuple[str, datetime] | None = None
    """Who set the last hold, and when."""
    _moment: datetime | None = None
    _of_the_moment: list[tuple[int, str]] = field(default_factory=list)

    def give(self, entry: Entry) -> None:
        """Note the order that follows from an entry, if one does."""
        kind = outbox.ordered_by(entry)
        if kind is None or not self._is_given(entry, kind):
            return
        again = entry.kind == "order_repeated" and not entry.data.get("tells")
        lanes = (ACT,) if again else _LANES[kind]
        for lane in lanes:
            self.waiting[entry.site_seq, lane] = Waiting(kind)

    def _is_given(self, entry: Entry, kind: str) -> bool:
        if self.there is not None:
            return entry.site_seq in self.there
        if self._moment != entry.recorded_at:
            self._moment, self._of_the_moment = entry.recorded_at, []
        if kind == "reopen" and self._of_the_moment and self._of_the_moment[-1][1] == "suspend":
            number, _ = self._of_the_moment.pop()
            for lane in _LANES[kind]:
                del self.waiting[number, lane]
            return False
        if kind in FORCE:
            self._of_the_moment.append((entry.site_seq, kind))
        return True

    def before(self, number: int, lane: str) -> list[int]:
        """The orders of the lane that come first and are neither settled nor given up."""
        return [n for (n, of), each in self.waiting.items() if of == lane and n < number
                and not each.dead]  # fmt: skip

    def lifted(self, number: int) -> bool:
        """Whether its order into the world was lifted by a waiting one, or is in force already."""
        waits = self.waiting[number, ACT]
        if waits.kind == "reopen":
            return self.in_force == "active" and not any(
                of == ACT and n < number for n, of in self.waiting
            )
        return any(
            of == ACT and n > number and each.kind == "reopen" and not each.dead
            for (n, of), each in self.waiting.items()
        )


Problem = str
"""An error in an entry."""


def delivered(orders: Orders, entry: Entry) -> list[Problem]:
    """It is carried out: after all before it, by the dispatcher, and then it waits no more."""
    problems = _by_courier(entry)
    key = _key(entry)
    if orders.before(*key):
        problems.append(f"it overtakes {orders.before(*key)}")
    if entry.data["attempts"] < 1:
        problems.append("nobody has tried")
    waits = orders.waiting.pop(key, None)
    if waits is None:
        return [*problems, "no such order waits"]
    if key[1] == ACT and entry.data.get("enforced"):
        orders.in_force = FORCE[waits.kind]
    return problems + _kind(waits, entry)


def failed(orders: Orders, entry: Entry) -> list[Problem]:
    """It is given up, and waits for a person."""
    waits = orders.waiting.get(_key(entry))
    if waits is None or waits.dead:
        return ["no such order waits"]
    waits.dead = True
    _doubt(orders, entry, waits)
    return _by_courier(entry) + _kind(waits, entry)


def cancelled(orders: Orders, entry: Entry) -> list[Problem]:
    """It is carried out no more: by a person, or since nobody needs it any more."""
    key = _key(entry)
    waits = orders.waiting.get(key)
    if waits is None:
        return ["no such order waits"]
    problems = _kind(waits, entry)
    why, with_hold = entry.data["why"], orders.hold == (entry.actor, entry.recorded_at)
    if why == "by_hand":
        problems += [] if entry.actor != DISPATCHER else ["a person must say so"]
    elif why == "superseded":
        problems += [] if with_hold else ["no hold has taken its place"]
        problems += [] if waits.kind == "reopen" or waits.dead else ["it goes on under a hold"]
    elif not (why == "lifted" and with_hold):
        problems += _by_courier(entry)
    if entry.data["why"] == "lifted" and not orders.lifted(key[0]):
        problems.append("nothing has lifted it")
    del orders.waiting[key]
    if entry.data.get("tried"):
        _doubt(orders, entry, waits)
    return problems


def retried(orders: Orders, entry: Entry) -> list[Problem]:
    """Check that a retried order was given up before."""
    waits = orders.waiting.get(_key(entry))
    if waits is None or not waits.dead:
        return ["it was not given up"]
    waits.dead = False
    return _kind(waits, entry)


def seen(orders: Orders, entry: Entry) -> list[Problem]:
    """Somebody has looked."""
    was, orders.in_force = orders.in_force, entry.data["seen"]
    return ["that was known"] if was == orders.in_force else []


def repeated(orders: Orders, entry: Entry, state: str) -> list[Problem]:
    """It is ordered once more, since something else is in force than the site's `state`."""
    problems = [] if orders.in_force != state else ["that is in force"]
    if FORCE[entry.data["order_kind"]] != state:
        problems.append(f"the site is {state}")
    return problems


def _key(entry: Entry) -> tuple[int, str]:
    return int(entry.data["order"].rpartition("-o")[2].partition("-")[0]), entry.data["lane"]


def _by_courier(entry: Entry) -> list[Problem]:
    return [] if entry.actor == DISPATCHER else [f"{entry.actor} is no courier"]


def _kind(waits: Waiting, entry: Entry) -> list[Problem]:
    told = entry.data["order_kind"]
    return [] if told == waits.kind else [f"it is an order to {waits.kind}, not {told}"]


def _doubt(orders: Orders, entry: Entry, waits: Waiting) -> None:
    """An attempt whose answer was lost may have done what it was to do."""
    if entry.data["lane"] == ACT and orders.in_force != FORCE[waits.kind]:
        orders.in_force = "unknown"
