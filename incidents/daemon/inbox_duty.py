"""The inbox duty: receive the mails of the Maildir that the settings name."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Part
from incidents.inbox.maildir import Maildir
from incidents.inbox.receiving import AT_ONCE, Delivery
from incidents.machine.command import DAEMON
from incidents.settings import inbox, sources

TICK_S = 5.0
"""The interval of the duty's rounds."""


class Intake:
    """The inbox duty of one daemon; `stopped` is called between two transactions."""

    def __init__(self, app: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._app = app
        self._stopped = stopped
        self._part = Part("reports are not received")

    def run(self) -> None:
        """Receive all mails that wait; log errors."""
        self._part.attempt(self.receive)

    def receive(self) -> None:
        """Receive all mails that wait.

        Raises:
            SettingError, UnknownSettingError: as `settings.inbox.read` does.
            FileError, ParserNotStartedError, DatabaseError: as `Inbox.receive` does.
        """
        settings = inbox.read(sources.section(inbox.SECTION))
        if settings.maildir is None:
            return
        maildir, count = Maildir(settings.maildir), 0
        waiting = maildir.waiting()
        while some := list(islice(waiting, AT_ONCE)):
            if self._stopped():
                break
            own = self._app.reports.inbox("maildir", DAEMON, None)
            deliveries = [Delivery(each.open) for each in some]
            for received in own.receive(deliveries):
                count += sum(each.is_new for each in received)
            for each in some:
                maildir.take(each)
        if count:
            journal.info("reports were received", count=count)


def once(app: App) -> None:
    """Receive all mails that wait (`daemon --once`); raises the errors of `Intake.receive`."""
    Intake(app).receive()
