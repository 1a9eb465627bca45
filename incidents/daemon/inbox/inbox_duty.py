"""The inbox duty: receive the mails of the Maildir that the settings name."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Part
from incidents.errors import FileError
from incidents.inbox.maildir import Maildir, WaitingMail
from incidents.inbox.receiving import Delivery
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

    @property
    def unread(self) -> str | None:
        """Why mails are not received; None if they are."""
        return self._part.reason

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
        brought: deque[WaitingMail] = deque()

        def deliveries() -> Iterator[Delivery]:
            for mail in maildir.waiting():
                if self._stopped():
                    return
                source = self._opened(mail)
                if source is not None:
                    brought.append(mail)
                    yield Delivery(partial(_itself, source), may_be_empty=True)

        for received in self._app.reports.inbox("maildir", DAEMON, None).receive(deliveries()):
            for each in received:
                maildir.take(brought.popleft())
                count += each.is_new
        if count:
            journal.info("reports were received", count=count)

    def _opened(self, mail: WaitingMail) -> BinaryIO | None:
        """The bytes of the mail; None if it cannot be opened: it keeps back no other."""
        try:
            return mail.open()
        except FileError as error:
            journal.warning("a mail cannot be read", file=str(mail.path), reason=str(error))
            return None


def _itself(source: BinaryIO) -> BinaryIO:
    return source


def once(app: App) -> None:
    """Receive all mails that wait (`daemon --once`); raises the errors of `Intake.receive`."""
    Intake(app).receive()
