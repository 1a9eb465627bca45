"""A mailbox on a mail server (IMAP, RFC 3501 and 9051): its mails are read, and then moved.

Flags decide nothing, and are not changed. A UID counts only from one `select` to the next, so no
UIDVALIDITY need be remembered: what is on record already is known by its bytes.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from imaplib import IMAP4
from importlib.util import find_spec
from typing import Any, BinaryIO

from incidents.errors import Cause
from incidents.inbox.mailbox_errors import (
    CannotMoveError,
    ImapLibraryError,
    MailboxLoginError,
    MailboxLostError,
    MailboxTlsError,
    MailboxUnreachableError,
    MailCertificateError,
    MailFolderError,
    MailHostError,
    MailServerError,
    TakenFolderError,
)
from incidents.settings import imap, inbox, sources
from incidents.settings.imap import STARTTLS, TLS, ImapAccount

PIECE = 1 << 20
"""The number of bytes of a mail that are fetched at a time."""

IDLE_S = 9 * 60.0
"""How long one IDLE lasts: servers end it after 30 minutes, and some routers after 10."""

POLL_S = 30.0
"""The interval of looking for new mails on a server without IDLE."""

_LOOK_S = 0.5

_CODE = re.compile(r"\[([A-Z-]+)")


def account() -> ImapAccount | None:
    """The mailbox of the settings; None without one.

    Raises:
        SettingError, UnknownSettingError: as `settings.imap.read` does.
        ImapLibraryError: if IMAPClient is not installed.
    """
    found = imap.read(sources.section(inbox.SECTION))
    if found is not None and find_spec("imapclient") is None:
        raise ImapLibraryError
    return found


class Mailbox:
    """A connection to the folder of an account, for one thread.

    Each method raises MailboxError; after that, only `close` is possible.
    """

    def __init__(self, account: ImapAccount) -> None:
        self.account = account
        self._has_taken = False
        with _connecting(account):
            self._client = _client(account)
        try:
            with _connecting(account):
                self._log_in()
            self._check_moves()
        except BaseException:
            self.close()
            raise

    def select(self) -> int:
        """Open the folder anew, and return the number of its mails."""
        try:
            with self._talking():
                return int(self._client.select_folder(self.account.folder)[b"EXISTS"])
        except MailServerError as error:
            raise MailFolderError(**error.facts, folder=self.account.folder) from error

    def first(self, count: int) -> list[int]:
        """The UIDs of the first `count` mails, of which there must be so many."""
        with self._talking():
            return [int(uid) for uid in self._client.search([f"1:{count}"])]

    def fetch(self, uid: int, into: BinaryIO, stopped: Callable[[], bool]) -> bool:
        """Copy a mail into a file, piece by piece; return whether it is all there.

        It is not if somebody else has deleted the mail, or if `stopped` meanwhile.

        Raises:
            MailServerError: if the server does not give the mail, though it has it.
        """
        done, size, piece = 0, 0, b""
        try:
            while not done or len(piece) == PIECE:
                if stopped():
                    return False
                piece, size = self._piece(uid, done)
                into.write(piece)
                done += len(piece)
                if not piece:
                    break
            # Some servers give an empty piece of a mail that is being deleted.
            if done < size and not self._is_there(uid):
                return False
        except MailServerError:
            if self._is_there(uid):
                raise
            return False
        return True

    def take(self, uids: Sequence[int]) -> None:
        """Move mails that are on record to the folder of taken ones; some may be gone."""
        client, taken = self._client, self.account.taken
        self._ensure_taken()
        with self._talking():
            if client.has_capability("MOVE"):
                client.move(uids, taken)
            else:
                client.copy(uids, taken)
                client.add_flags(uids, [rb"\Deleted"], silent=True)
                client.uid_expunge(uids)

    def wait(self, stopped: Callable[[], bool]) -> None:
        """Wait for a mail that was not there at the last `select`, or until `stopped`.

        It may return earlier. Without IDLE it only waits for a while. If `stopped`, only `close` is
        possible then: a server that hangs must not delay the daemon's end.
        """
        until = time.monotonic()
        with self._talking():
            if not self._client.has_capability("IDLE"):
                while not stopped() and time.monotonic() < until + POLL_S:
                    time.sleep(_LOOK_S)
                self._client.noop()
                return
            self._client.idle()
            arrived = _is_mail(self._client.idle_check(timeout=0))
            while not arrived and not stopped() and time.monotonic() < until + IDLE_S:
                if not _has_answer(self._client.socket()):
                    continue
                answers = self._client.idle_check(timeout=0)
                if not answers:
                    # The connection has ended, as the next command will find.
                    break
                arrived = _is_mail(answers)
            if not stopped():
                self._client.idle_done()

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError, IMAP4.error):
            self._client.shutdown()

    def _log_in(self) -> None:
        account, client = self.account, self._client
        if account.security == STARTTLS:
            if not client.has_capability("STARTTLS"):
                none = Cause.of("imap_no_starttls", "the server offers no STARTTLS")
                raise MailboxTlsError(host=account.host, port=account.port, detail=none)
            client.starttls(account.tls)
        # LOGIN knows no characters beyond ASCII.
        log_in = client.plain_login if client.has_capability("AUTH=PLAIN") else client.login
        try:
            log_in(account.user, account.password)
        except IMAP4.error as error:
            if isinstance(error.__context__, IMAP4.abort):
                raise error.__context__ from None
            raise MailboxLoginError(host=account.host, detail=_detail(error)) from error
        # NetEase opens no folder for a client that does not say its name (RFC 2971).
        if client.has_capability("ID"):
            client.id_({"name": "incidents"})

    def _check_moves(self) -> None:
        if not any(map(self._client.has_capability, ("MOVE", "UIDPLUS"))):
            raise CannotMoveError(host=self.account.host)

    def _piece(self, uid: int, begin: int) -> tuple[bytes, int]:
        """A piece of a mail from that byte on, and the size of the mail as the server says."""
        part = f"BODY.PEEK[]<{begin}.{PIECE}>"
        with self._talking():
            found = self._client.fetch([uid], ["RFC822.SIZE", part]).get(uid, {})
        piece: bytes | None = found.get(b"BODY[]<%d>" % begin)
        size: int = found.get(b"RFC822.SIZE", 0)
        if piece is None or (not piece and not begin and size):
            missing = Cause.of("imap_missing", "it does not give a mail")
            raise MailServerError(host=self.account.host, detail=missing)
        return piece, size

    def _ensure_taken(self) -> None:
        if self._has_taken:
            return
        taken = self.account.taken
        try:
            with self._talking():
                if not self._client.folder_exists(taken):
                    self._client.create_folder(taken)
        except MailServerError as error:
            raise TakenFolderError(**error.facts, folder=taken) from error
        self._has_taken = True

    def _is_there(self, uid: int) -> bool:
        with self._talking():
            # Only then does the server say what others have deleted.
            self._client.noop()
            return uid in self._client.fetch([uid], ["UID"])

    @contextmanager
    def _talking(self) -> Iterator[None]:
        try:
            yield
        except IMAP4.readonly as error:
            raise MailServerError(host=self.account.host, detail=_detail(error)) from error
        except (OSError, IMAP4.abort) as error:
            raise MailboxLostError(host=self.account.host, detail=_detail(error)) from error
        except IMAP4.error as error:
            raise MailServerError(host=self.account.host, detail=_detail(error)) from error


def _client(account: ImapAccount) -> Any:
    """A client that is connected to the server, and trusts it."""
    # The library is optional, and takes long to import.
    from imapclient import IMAPClient

    class Client(IMAPClient):  # type: ignore[misc]  # the library has no annotations
        def __init__(self) -> None:
            super().__init__(
                account.host, account.port, ssl=account.security == TLS, ssl_context=account.tls,
                timeout=account.timeout_s,
            )  # fmt: skip
            # It would write out each answer, a mail of 100 MiB too, for a log that nobody keeps.
            self._imap.debug = 0

        def _poll_socket(self, *_: object) -> bool:
            # The library asks only the socket before it reads in IDLE, and so would not see what
            # has come in one packet with the answer before.
            return True

    return Client()


@contextmanager
def _connecting(account: ImapAccount) -> Iterator[None]:
    host, port = account.host, account.port
    try:
        yield
    except socket.gaierror as error:
        raise MailHostError(host=host) from error
    except ssl.SSLCertVerificationError as error:
        raise MailCertificateError(host=host, detail=error.verify_message) from error
    except ssl.SSLError as error:
        raise MailboxTlsError(host=host, port=port, detail=_detail(error)) from error
    except (OSError, IMAP4.error) as error:
        raise MailboxUnreachableError(host=host, port=port, detail=_detail(error)) from error


def _is_mail(answers: Sequence[tuple[Any, ...]]) -> bool:
    return any(len(each) > 1 and each[1] == b"EXISTS" for each in answers)


def _has_answer(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(_LOOK_S * 1_000))


def _detail(error: Exception) -> str:
    """The error without the text of the server, which may contain an address."""
    if isinstance(error, ssl.SSLError):
        return str(error.reason or "TLS").replace("_", " ").lower()
    if isinstance(error, TimeoutError):
        return Cause.of("imap_timeout", "no answer in time")
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, IMAP4.readonly):
        return Cause.of("imap_read_only", "it is read-only")
    if isinstance(error, IMAP4.abort):
        return Cause.of("imap_closed", "the server closed it")
    code = _CODE.search(str(error))
    return Cause.of("imap_no_reason", "no reason given") if code is None else code[1]
