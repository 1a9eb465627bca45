"""A courier of a rehearsal's desk, and an adapter that answers as it is told."""

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from incidents.enforcement.dispatcher import Dispatcher
from incidents.enforcement.port import Delivered, Order, Outcome, State
from incidents.enforcement.round import Round
from incidents.machine.orders import ACT, DESK, NOTICE
from incidents.settings.options import Options
from tests.desk.rehearsal import Rehearsal

Answer = Outcome | Callable[[Order], Outcome]


@dataclass
class Told:
    """Answers `outcome`, or for a kind of order what `outcomes` has for it; keeps what it got."""

    name: str = "told"
    outcome: Answer = field(default_factory=Delivered)
    outcomes: dict[str, Answer] = field(default_factory=dict)
    got: list[Order] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)

    def deliver(self, order: Order) -> Outcome:
        self.got.append(order)
        answer = self.outcomes.get(order.kind, self.outcome)
        return answer(order) if callable(answer) else answer

    def state(self, site: str) -> State | None:
        return self.states.get(site)

    @property
    def kinds(self) -> list[str]:
        return [order.kind for order in self.got]

    @property
    def by_site(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for order in self.got:
            found[order.site].append(order.seq)
        return dict(found)


def dispatcher(
    day: Rehearsal, act: Told, *, name: str = "one", lanes: Told | None = None
) -> Dispatcher:
    """It has no chance in it: each wait is as long as it can be."""
    others = lanes or Told("others")
    return Dispatcher(
        engine=day.engine,
        desk=day.desk,
        lanes={ACT: lambda _: act, NOTICE: lambda _: others, DESK: lambda _: others},
        name=name,
        give_up_after=timedelta(days=3),
        workers=4,
        clock=lambda: day.now,
        jitter=lambda: 0.0,
    )


def to_its_end(found: Round) -> Round:
    """One round, to its end."""
    try:
        found.run()
    finally:
        found.close()
    return found


def carry_out(day: Rehearsal, act: Told, *, name: str = "one", lanes: Told | None = None) -> Round:
    """One round of such a courier."""
    return to_its_end(Round(dispatcher(day, act, name=name, lanes=lanes)))


def kinds(day: Rehearsal) -> list[str]:
    """What is on record of sites."""
    bodies = day.rows("SELECT body FROM entries WHERE site_id > 0 ORDER BY id")
    return [json.loads(str(body))["kind"] for (body,) in bodies]


def in_force(day: Rehearsal) -> dict[str, object]:
    """What is in force, by site."""
    return {str(name): force for name, force in day.rows("SELECT name, in_force FROM sites")}


TOLD: dict[str, Told] = {}
"""By its name in the settings: what an adapter of the type `told` answers."""


def make(name: str, options: Options) -> Told:
    """An adapter like one that others bring."""
    options.finish()
    return TOLD.setdefault(name, Told(name))
