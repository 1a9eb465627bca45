"""A told story: a few days at a desk under a told clock, in which every rule acts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from incidents.desk import Desk, Envelope
from incidents.machine import command as codes
from incidents.machine import commands as c
from incidents.machine.orders import ACT, NOTICE
from incidents.store.database import engine as engines
from tests.fire.ledger import Intent, Ledger, acknowledgement

HOUR = timedelta(hours=1)
MISSED, WINDOW, TOLD, LATE, HELD, CARRIED = (
    f"{name}.example" for name in ("missed", "window", "told", "late", "held", "carried")
)


class RecordedStory:
    """A desk under a told clock, and the ledger of its only operator."""

    def __init__(self, url: str) -> None:
        self.engine = engines.create(url)
        self.now = datetime(2026, 3, 2, 1, tzinfo=UTC)
        self.ledger = Ledger()
        self._desk = Desk(self.engine, clock=lambda: self.now)

    def act(self, site: str, kind: str, command: Callable[..., c.Command], **words: Any) -> None:
        """Do it as a person of its own, a minute later."""
        self.now += timedelta(minutes=1)
        actor = f"operator-{len(self.ledger.intents)}"
        self.ledger.intend(Intent(key=actor, site=site, actor=actor, kind=kind))
        envelope = Envelope(site=site, command=command(by=actor, **words), key=actor)
        [answer] = self._desk.submit([envelope])
        refusal = None if answer.refusal is None else answer.refusal.name
        self.ledger.acknowledge(acknowledgement(actor, answer.document, refusal))

    def settle(self, site: str, command: c.Command) -> None:
        """Have the dispatcher settle an order, a minute later."""
        self.now += timedelta(minutes=1)
        [answer] = self._desk.submit([Envelope(site=site, command=command)])
        assert answer.refusal is None, answer.refusal

    def wait(self, so_long: timedelta) -> None:
        """Let time go on, and have the clock do what is due by then."""
        self.now += so_long
        self._desk.elapse()


def record_story(story: RecordedStory) -> None:
    """A few days at the desk: every rule acts, late truth undoes one case, orders go out."""
    for site in (MISSED, WINDOW, TOLD, LATE, HELD, CARRIED):
        story.act(site, "site_added", c.AddSite)
    for n in range(3):
        story.act(MISSED, "incident_logged", c.Log, urls=(f"http://{MISSED}/{n}",))
        story.wait(2 * HOUR)
        story.wait(30 * HOUR)
    story.act(MISSED, "reinstatement_asked", c.AskReinstatement, reason="an appeal")
    story.act(MISSED, "site_reinstated", c.Approve)
    for n in range(3):
        story.act(WINDOW, "incident_logged", c.Log, urls=(f"http://{WINDOW}/{n}",))
    story.act(WINDOW, "incident_removed", c.StateRemoved, incident=1)
    story.act(TOLD, "incident_logged", c.Log)
    story.act(TOLD, "contact_recorded", c.RecordContact, incident=1, outcome="reached")
    story.act(TOLD, "incident_refused", c.StateRefused, incident=1)
    story.act(LATE, "incident_logged", c.Log)
    called_at = story.now + timedelta(minutes=10)
    story.wait(2 * HOUR)
    story.act(
        LATE, "contact_recorded", c.RecordContact, incident=1, outcome="reached", at=called_at
    )
    story.act(LATE, "hold_set", c.SetHold, reason="by order")
    story.act(LATE, "hold_set", c.SetHold, reason="by order")
    story.act(LATE, "hold_lifted", c.LiftHold, reason="lifted")
    story.act(HELD, "incident_logged", c.Log)
    story.act(HELD, "incident_logged", c.Log)
    story.wait(2 * HOUR)
    carry_out(story)


def carry_out(story: RecordedStory) -> None:
    """Settle orders in all ways: given up and retried, repeated, cancelled; some still wait."""
    failure = partial(c.RecordFailure, lane=ACT, adapter="panel", attempts=3, problem="http_503")
    delivery = partial(c.RecordDelivery, lane=ACT, adapter="panel", attempts=1, enforced=True)
    story.act(CARRIED, "hold_set", c.SetHold, reason="by order")
    story.settle(CARRIED, failure(order=2))
    story.act(CARRIED, "order_retried", c.RetryOrder, order=2, lane=ACT)
    story.settle(CARRIED, delivery(order=2))
    story.act(
        CARRIED, "state_seen", c.RecordState, adapter="panel", seen="active", in_force="suspended",
        last_act=2,
    )  # fmt: skip
    story.act(CARRIED, "order_repeated", c.RepeatOrder)
    story.settle(CARRIED, delivery(order=7))
    story.act(CARRIED, "hold_lifted", c.LiftHold, reason="lifted")
    story.settle(CARRIED, failure(order=9))
    story.act(CARRIED, "hold_set", c.SetHold, reason="by order")
    story.act(CARRIED, "hold_lifted", c.LiftHold, reason="lifted")
    story.settle(CARRIED, c.CancelOrder(by=c.DISPATCHER, order=11, lane=ACT, why=codes.LIFTED))
    story.act(
        CARRIED, "order_cancelled", c.CancelOrder, order=2, lane=NOTICE, why=codes.BY_HAND,
        reason="they know",
    )  # fmt: skip
