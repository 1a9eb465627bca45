"""A told story: a few days at a desk under a told clock, in which every rule acts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from incidents.desk import Desk, Envelope
from incidents.machine import commands as c
from incidents.store import engine as engines
from tests.fire.ledger import Intent, Ledger, acknowledgement

HOUR = timedelta(hours=1)
MISSED, WINDOW, TOLD, LATE, HELD = (
    f"{name}.example" for name in ("missed", "window", "told", "late", "held")
)


class Story:
    """A desk under a told clock, and the ledger of its only operator."""

    def __init__(self, url: str) -> None:
        self.engine = engines.create(url)
        self.now = datetime(2026, 3, 2, 1, tzinfo=UTC)
        self.ledger = Ledger()
        self._desk = Desk(self.engine, clock=lambda: self.now, own_clock=True)

    def act(self, site: str, kind: str, command: Callable[..., c.Command], **words: Any) -> None:
        """Does it, by a person of its own, a minute later."""
        self.now += timedelta(minutes=1)
        actor = f"operator-{len(self.ledger.intents)}"
        self.ledger.intend(Intent(key=actor, site=site, actor=actor, kind=kind))
        envelope = Envelope(site=site, command=command(by=actor, **words), key=actor)
        [answer] = self._desk.submit([envelope])
        refusal = None if answer.refusal is None else answer.refusal.name
        self.ledger.acknowledge(acknowledgement(actor, answer.document, refusal))

    def wait(self, so_long: timedelta) -> None:
        """Lets time go on, and the clock do what is due by then."""
        self.now += so_long
        self._desk.elapse()


def tell(story: Story) -> None:
    """A few days at the desk: every rule acts, and late truth undoes one case."""
    for site in (MISSED, WINDOW, TOLD, LATE, HELD):
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
