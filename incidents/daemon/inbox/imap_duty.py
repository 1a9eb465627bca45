"""The IMAP duty: receive the mails of the mailbox that the settings name, as soon as they arrive.

Any number of daemons may have this duty; one at a time fetches mails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Any

from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import MAX_S, Backoff, Part
from incidents.inbox import imap
from incidents.inbox.imap import Mailbox
from incidents.inbox.mailbox_errors import (
    MailboxError,
    MailboxLoginError,
    MailServerError,
    UnreadMailsError,
)
from incidents.inbox.receiving import Delivery
from incidents.machine.commands import DAEMON
from incidents.settings.imap import ImapAccount
from incidents.store.database.engine import plainly, writing
from incidents.store.inbox import reports
from incidents.system import disk

TICK_S = 5.0
"""How often a connection is made, in seconds; each round lasts until its connection ends."""
MAX_LOGIN_S = 300.0
"""The longest wait after a refused login: servers lock an account that tries too often."""
AT_ONCE = 500
"""The maximum number of mails that are listed at a time: the answer is one line."""


class ImapIntake:
    """The IMAP duty of one daemon; `stopped` is called each half second, too."""

    def __init__(self, app: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._app = app
        self._stopped = stopped
        self._part = Part("reports are not received by IMAP", longest_s=_longest_s)
        self._lost = Backoff()
        self._mailbox: Mailbox | None = None

    @property
    def unread(self) -> str | None:
        """Why mails are not received; None if they are."""
        return self._part.reason

    def run(self) -> None:
        """Receive the mails that are there, and those that arrive, until `stopped`; log errors.

        It returns when the connection ends, or while another daemon fetches.
        """
        while not (self._stopped() or self._lost.waiting) and self._part.attempt(self.receive):
            if self._mailbox is None:
                return
            try:
                self._mailbox.wait(self._stopped)
            except MailboxError:
                # No fault: servers and routers end connections on which nothing happens.
                self.close()
                self._lost.failed()
                return
            self._lost.succeeded()
        if self._stopped():
            self.close()

    def receive(self) -> None:
        """Receive all mails that are there, unless another daemon does.

        Raises:
            SettingError, UnknownSettingError, ImapLibraryError: as `imap.account` does.
            MailboxError: if the mailbox cannot be used.
            FileError, ParserNotStartedError, DatabaseError: as `Inbox.receive` does.
        """
        account = imap.account()
        if account is None:
            self.close()
            return
        with self._alone() as is_alone:
            try:
                if is_alone:
                    self._take_all(self._connected(account))
                else:
                    self.close()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._mailbox is not None:
            self._mailbox.close()
            self._mailbox = None

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Keep other daemons from fetching; False if one does so already."""
        engine = self._app.engine
        if engine.dialect.name == "sqlite":
            # It is a file of this machine, for one daemon; others would only do the same twice.
            yield True
            return
        with plainly(engine), writing(engine) as connection:
            yield reports.lock_fetching(connection)

    def _connected(self, account: ImapAccount) -> Mailbox:
        if self._mailbox is not None and self._mailbox.account != account:
            self.close()
        if self._mailbox is None:
            self._mailbox = Mailbox(account)
        return self._mailbox

    def _take_all(self, mailbox: Mailbox) -> None:
        """Receive mails until none is left but those that the server cannot read."""
        unread: dict[int, MailServerError] = {}
        while not self._stopped() and (count := mailbox.select()):
            listed = mailbox.first(min(count, AT_ONCE + len(unread)))
            uids = [uid for uid in listed if uid not in unread]
            if not uids:
                break
            self._take(mailbox, uids, unread)
        for error in unread.values():
            folder = mailbox.account.folder
            raise UnreadMailsError(**error.facts, count=len(unread), folder=folder) from error

    def _take(
        self, mailbox: Mailbox, uids: Sequence[int], unread: dict[int, MailServerError]
    ) -> None:
        brought: deque[int] = deque()
        count = 0

        def deliveries() -> Iterator[Delivery]:
            for uid in uids:
                file = self._new_file()
                try:
                    with disk.file_errors(self._app.settings.evidence, "written"):
                        is_whole = mailbox.fetch(uid, file, self._stopped)
                        file.seek(0)
                except MailServerError as error:
                    unread[uid] = error
                    is_whole = False
                if is_whole:
                    brought.append(uid)
                    yield Delivery(partial(closing, file), may_be_empty=True)
                    continue
                file.close()
                if self._stopped():
                    return

        done: list[int] = []
        for received in self._app.reports.inbox("imap", DAEMON, None).receive(deliveries()):
            done += [brought.popleft() for _ in received]
            count += sum(each.is_new for each in received)
        # Not before all are fetched, which another thread does over the same connection.
        if done:
            mailbox.take(done)
        if count:
            journal.info("reports were received", count=count)

    def _new_file(self) -> Any:
        """A file for a mail: in memory while it is short, and gone after a crash."""
        folder = self._app.settings.evidence
        with disk.file_errors(folder, "written"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return SpooledTemporaryFile(max_size=imap.PIECE, dir=str(folder))


def once(app: App) -> None:
    """Receive all mails that are there (`daemon --once`); raises as `ImapIntake.receive`."""
    intake = ImapIntake(app)
    try:
        intake.receive()
    finally:
        intake.close()


def _longest_s(error: Exception) -> float:
    return MAX_LOGIN_S if isinstance(error, MailboxLoginError) else MAX_S
