"""A desk under a clock that the test sets, and random days at it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine

from incidents.audit.replay import Replay
from incidents.desk import Answer, Desk, Envelope
from incidents.machine import commands as c
from incidents.machine.command import AUDIENCES, FORCE, OUTCOMES
from incidents.machine.commands import Command
from incidents.machine.orders import ACT
from incidents.store.database.engine import create, reading

Fields = dict[str, Any]
Order = tuple[int, str]
"""The number of an order and its lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The unsettled orders of a site, and the state known to be in force."""

    orders: Sequence[Order] = ()
    in_force: str = "active"
    last_act: int = 0


_NOTHING = Outside()

TEN = datetime(2026, 3, 1, 10, 0, tzinfo=UTC)


class Rehearsal:
    """A desk and its clock, which stands still until the test moves it."""

    def __init__(self, engine: Engine, now: datetime = TEN) -> None:
        self.engine = engine
        self.now = now
        self.desk = Desk(engine, clock=lambda: self.now)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def give(
        self,
        command: Command,
        site: str | int = "a.example",
        *,
        key: str | None = None,
        key_for: timedelta | None = None,
        signed_in: bool = False,
        dry_run: bool = False,
    ) -> Answer:
        envelope = Envelope(
            site=site, command=command, login="desk1", key=key, key_for=key_for,
            signed_in=signed_in,
        )  # fmt: skip
        (answer,) = self.desk.submit([envelope], dry_run=dry_run)
        return answer

    def refused(
        self,
        command: Command,
        site: str | int = "a.example",
        *,
        key: str | None = None,
        signed_in: bool = False,
        dry_run: bool = False,
    ) -> str | None:
        """The name of the command's refusal, None if it is done."""
        refusal = self.give(command, site, key=key, signed_in=signed_in, dry_run=dry_run).refusal
        return None if refusal is None else refusal.name

    def add(self, *names: str) -> list[Answer]:
        return self.desk.submit(
            [Envelope(site=name, command=c.AddSite(by="li")) for name in names or ("a.example",)]
        )

    def elapse(self) -> list[Answer]:
        answers: list[Answer] = []
        while batch := self.desk.elapse():
            answers += batch
        return answers

    def outside(self, site: str = "a.example") -> Outside:
        """The unsettled orders of the site, and the state in force on it."""
        ((in_force, last),) = self.rows(
            f"SELECT in_force, last_act FROM sites WHERE name = '{site}'"
        )
        orders = self.orders(site)
        return Outside(orders=orders, in_force=str(in_force), last_act=int(str(last)))

    def orders(self, site: str = "a.example") -> list[Order]:
        """The orders of a site that are not settled."""
        rows = self.rows(
            "SELECT site_seq, lane FROM deliveries JOIN sites ON sites.id = site_id"
            f" WHERE name = '{site}' ORDER BY site_seq, lane"
        )
        return [(int(str(seq)), str(lane)) for seq, lane in rows]

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]

    def findings(self) -> list[object]:
        """The differences that a replay of the entries finds in the tables."""
        with reading(self.engine) as connection:
            return list(Replay(connection).findings())


@contextmanager
def rehearsal(url: str, now: datetime = TEN) -> Iterator[Rehearsal]:
    engine = create(url)
    try:
        yield Rehearsal(engine, now)
    finally:
        engine.dispose()


def random_command(
    draw: Random, now: datetime, incidents: int, outside: Outside = _NOTHING
) -> Command:
    """A random command, sensible or not, for a site with those incidents and `outside`."""
    kind = draw.choices(list(_MADE), weights=[weight for weight, _ in _MADE.values()])[0]
    by = draw.choice(("li", "wang", "zhao"))
    n = max(1, incidents - int(draw.expovariate(0.5)))
    at = draw.choice((None, None, now - timedelta(minutes=draw.choice((5, 50, 70, 600, 1500)))))
    own: Fields = {}
    if issubclass(kind, c.OrderCommand):
        own["order"], own["lane"] = _order(draw, outside.orders)
    if kind is c.RecordState:
        early = draw.random() < 0.1
        own = {"in_force": outside.in_force, "last_act": outside.last_act - early}
    if kind is c.RepeatOrder and draw.random() < 0.5:
        own = {"in_force": outside.in_force, "last_act": outside.last_act}
    return kind(by=by, **own, **_MADE[kind][1](draw, n, at))


def _order(draw: Random, orders: Sequence[Order]) -> Order:
    """One in the world more often than not, or none at all."""
    if not orders or draw.random() < 0.05:
        return 1, ACT
    acts = [order for order in orders if order[1] == ACT]
    return draw.choice(acts if acts and draw.random() < 0.7 else orders)


def _log(draw: Random, _n: int, at: datetime | None) -> Fields:
    urls = (f"https://a.example/{draw.randrange(4)}",) if draw.random() < 0.3 else ()
    return {"at": at, "urls": urls, "note": "seen", "again": draw.random() < 0.7}


def _imported(draw: Random, _n: int, at: datetime | None) -> Fields:
    return {"at": at or TEN, "contact": draw.choice((None, "reached"))}


def _contact(draw: Random, n: int, at: datetime | None) -> Fields:
    outcome = draw.choice((*OUTCOMES, "reached", "reached", "reached"))
    return {"incident": None if draw.random() < 0.3 else n, "outcome": outcome, "at": at}


def _filed(draw: Random, _n: int, _at: datetime | None) -> Fields:
    """Some details: sealed ones, those that begin and end a term, and removed ones."""
    drawn = draw.sample(sorted(_FILED), draw.choice((1, 2, 4)))
    return {"details": tuple((key, draw.choice(_FILED[key])) for key in drawn)}


_FILED = {
    "opened_on": ("2026-01-20", "2026-02-10", "2026-03-01", ""),
    "filed_on": ("2026-02-28", "", ""),
    "approved_on": ("2026-01-25", "2026-02-27"),
    "shown_on": ("2026-02-28", ""),
    "level": ("2", "3", ""),
    "responsible_name": ("Wang", "Li", ""),
    "server.a": ('{"ip":"192.0.2.1"}', '{"ip":"192.0.2.2"}', ""),
    "document.a": ('{"digest":"d","kind":"other","size":"3"}', ""),
    "colour": ("red",),
}
"""The details that are filed at random; one of them no filing has."""


def _item(draw: Random, n: int, _at: datetime | None) -> Fields:
    return {"item": draw.choice((str(n), "t1", "disputed", "reinstatement"))}


# How often each is asked, and with what.
_MADE: dict[type[Command], tuple[int, Callable[[Random, int, datetime | None], Fields]]] = {
    c.Log: (30, _log),
    c.RecordContact: (30, _contact),
    c.VoidContact: (
        10,
        lambda draw, n, at: {"incident": n, "contact": draw.choice((1, 1, 2)), "reason": "slip"},
    ),
    c.VoidIncident: (12, lambda draw, n, at: {"incident": n, "reason": "slip"}),
    c.TakeBack: (6, lambda draw, n, at: {"incident": n, "reason": "slip"}),
    c.StateRemoved: (12, lambda draw, n, at: {"incident": n, "at": at}),
    c.StateRefused: (1, lambda draw, n, at: {"incident": n, "at": at}),
    c.Recur: (5, lambda draw, n, at: {"incident": n, "at": at}),
    c.ImportIncident: (2, _imported),
    c.SetHold: (2, lambda draw, n, at: {"reason": "ordered"}),
    c.LiftHold: (4, lambda draw, n, at: {"reason": "ordered"}),
    c.AskReinstatement: (12, lambda draw, n, at: {"reason": "all is well"}),
    c.Approve: (12, lambda draw, n, at: {}),
    c.Decline: (2, lambda draw, n, at: {"reason": "not yet"}),
    c.Uphold: (3, lambda draw, n, at: {"reason": "it stands"}),
    c.StateFalse: (1, lambda draw, n, at: {"field": "phone", "evidence": "rings elsewhere"}),
    c.ClaimItem: (4, _item),
    c.ReleaseItem: (2, _item),
    c.HandOver: (1, lambda draw, n, at: {"to": "zhao"}),
    c.CompleteTask: (4, lambda draw, n, at: {"task": draw.randrange(1, 8)}),
    c.Attach: (
        2,
        lambda draw, n, at: {"incident": n, "digest": f"{draw.randrange(3):064d}", "size": 3},
    ),
    c.AddNote: (
        3,
        lambda draw, n, at: {"incident": n, "audience": draw.choice(AUDIENCES), "text": "told"},
    ),
    c.ChangeFiling: (6, _filed),
    c.Remind: (4, lambda draw, n, at: {"on": draw.choice(("2026-02-28", "2026-03-01"))}),
    c.RaiseSuspicion: (
        2,
        lambda draw, n, at: {
            "field": draw.choice(("responsible_name", "level", "server.a")), "finding": "doubtful",
        },
    ),
    c.RecordFooter: (
        3, lambda draw, n, at: {"problems": draw.choice(((), ("no_icon",), ("no_icon", "no_link")))}
    ),
    c.EditSite: (1, lambda draw, n, at: {"phone": "010 5555 0100"}),
    c.Elapse: (4, lambda draw, n, at: {}),
    c.StateReported: (4, lambda draw, n, at: {"incident": n, "at": at, "note": "receipt 7"}),
    c.SayRemoved: (4, lambda draw, n, at: {"incident": n, "note": "gone"}),
    c.RevokeLinks: (2, lambda draw, n, at: {"incident": n}),
    c.RecordDelivery: (
        12,
        lambda draw, n, at: {
            "adapter": "panel", "attempts": draw.choice((1, 3)), "enforced": draw.random() < 0.8,
        },
    ),
    c.RecordFailure: (
        6, lambda draw, n, at: {"adapter": "panel", "attempts": 9, "problem": "http_503"},
    ),
    c.CancelOrder: (
        9,
        lambda draw, n, at: {
            "why": draw.choice(("lifted", "lifted", "by_hand", "expired")),
            "tried": draw.choice((None, None, False, True)),
            "reason": draw.choice((None, "no need")),
        },
    ),
    c.RetryOrder: (5, lambda draw, n, at: {}),
    c.RecordState: (
        2, lambda draw, n, at: {"adapter": "panel", "seen": draw.choice(tuple(FORCE.values()))},
    ),
    c.RepeatOrder: (3, lambda draw, n, at: {}),
}  # fmt: skip
