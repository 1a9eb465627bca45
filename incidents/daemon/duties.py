"""The duties beside the deadlines: those of the record, and those of delivery."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import Protocol

from incidents.app import App
from incidents.daemon import (
    alarm_duty,
    delivery,
    filing_duty,
    journal,
    record,
    recovery_duty,
    retention_duty,
)
from incidents.daemon.inbox import answer_duty, imap_duty, inbox_duty, rules_duty, snapshot_duty
from incidents.daemon.precedence import Precedence
from incidents.daemon.shared_status import SharedStatus
from incidents.desk import Answer
from incidents.metrics.service import Service

RECORD, RETENTION, DELIVERY = "record", "retention", "delivery"
ALARMS, FILINGS, RECOVERY, INBOX, IMAP = "alarms", "filings", "recovery", "inbox", "imap"
RULES, ANSWERS, SNAPSHOTS = "rules", "answers", "snapshots"

CLOCK_FIRST_S = 10.0
"""How long deliveries wait, at the start of a daemon, for what fell due before."""

Duty = tuple[float, Callable[[], None]]
"""The interval of a duty's rounds in seconds, and one round; each duty has its own thread."""


class Duties(Protocol):
    """The duties that share a process; nothing is opened or started before `start`."""

    by_name: dict[str, Duty]

    def start(self) -> None:
        """Start what has threads of its own."""

    def close(self) -> None:
        """End that, after the last round of each duty."""


class RecordDuties:
    """Number the entries, sign the log, and have it witnessed."""

    name = "record"

    def __init__(self, app: App, shared: SharedStatus, stop: Event) -> None:
        duty = record.Record(app, stopped=Precedence(shared, stop).stopped)
        self._witnessing = record.WitnessRequests(app, duty, stop)
        self.by_name: dict[str, Duty] = {RECORD: (record.TICK_S, duty.run)}

    def start(self) -> None:
        """See `Duties`."""
        self._witnessing.start()

    def close(self) -> None:
        """See `Duties`."""


class DeliveryDuties:
    """Carry out orders, and all that acts or tells others because of what was decided."""

    name = "delivery"

    def __init__(self, app: App, shared: SharedStatus, stop: Event) -> None:
        self._shared = shared
        # An urgent order must soon be found among all that fall due meanwhile.
        self._precedence = Precedence(shared, stop, share=2, most_s=0.1)
        # It counts the attempts of this process.
        self._metrics = Service(app, say=journal.info, warn=journal.warning)
        self._delivery = delivery.Delivery(
            app, stopped=stop.is_set, decided=self._decided, observed=self._metrics.observed
        )

        def stopped() -> Callable[[], bool]:
            return Precedence(shared, stop).stopped

        self._inbox = inbox_duty.Intake(app, stopped=stopped())
        self._imap = imap_duty.ImapIntake(app, stopped=stopped())
        retention = retention_duty.Retention(app, stopped=stopped(), deleted=self._metrics.deleted)
        self.by_name: dict[str, Duty] = {
            RETENTION: (retention_duty.LOOK_S, retention.run),
            DELIVERY: (delivery.TICK_S, self._deliver),
            ALARMS: (alarm_duty.TICK_S, alarm_duty.Alarms(app, stopped=stopped()).run),
            FILINGS: (filing_duty.TICK_S, filing_duty.Filings(app, stopped=stopped()).run),
            INBOX: (inbox_duty.TICK_S, self._receive),
            IMAP: (imap_duty.TICK_S, self._imap.run),
            RULES: (rules_duty.TICK_S, rules_duty.RuleRounds(app, stopped=stopped()).run),
            ANSWERS: (answer_duty.TICK_S, answer_duty.Answers(app, stopped=stopped()).run),
            SNAPSHOTS: (
                snapshot_duty.TICK_S,
                snapshot_duty.SnapshotRounds(app, stopped=stopped()).run,
            ),
            RECOVERY: (recovery_duty.TICK_S, recovery_duty.Recovery(app, stopped=stopped()).run),
        }

    def start(self) -> None:
        """See `Duties`."""
        # After a downtime an order may be for a suspension that is over by now.
        self._wait_until = time.monotonic() + CLOCK_FIRST_S
        self._metrics.start()

    def close(self) -> None:
        """See `Duties`."""
        self._delivery.close()
        self._metrics.stop()

    def _deliver(self) -> None:
        if not self._shared.has_looked and time.monotonic() < self._wait_until:
            return
        self._delivery.run()
        self._shared.mark_unread = self._delivery.mark_unread

    def _receive(self) -> None:
        self._inbox.run()
        # The duty over IMAP lasts as long as its connection, so that it cannot say it itself.
        self._shared.mailbox_unread = self._inbox.unread or self._imap.unread

    def _decided(self, answers: list[Answer]) -> None:
        """After each transaction of a round, which may last as long as orders are due."""
        journal.decided(answers)
        self._precedence.give()
