"""The email channel: sends letters to a mail server (RFC 5321), each over its own connection.

The server's code decides: 5yz for the recipient or the letter is final, 4yz is not. Faults that
affect every letter (login, TLS, sender) are retried, because a person can repair them. The server's
text is never shown, because it might contain an address.
"""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from incidents import clock
from incidents.enforcement.port import Delivered, Failed, Outcome, Retry, Skipped
from incidents.errors import Cause, SettingError
from incidents.log import logger
from incidents.notices import message
from incidents.notices.letter import Letter, Recipient
from incidents.notices.message import Address, BadAddressError, MailHeaders, Session
from incidents.settings.options import Options

STARTTLS, TLS, NONE = SECURITY = ("starttls", "tls", "none")
_PORTS = {STARTTLS: 587, TLS: 465, NONE: 25}
_FINAL = 500
_DEFAULT, _LEAST, _MOST = timedelta(seconds=10), timedelta(seconds=1), timedelta(seconds=15)
_LOG = logger("notices")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The mail server: its address, security and login."""

    host: str
    port: int
    security: str = STARTTLS
    tls: ssl.SSLContext | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 10.0


class Mail:
    """The email channel; each email takes at most the server's `timeout_s`."""

    def __init__(
        self,
        name: str,
        server: Server,
        headers: MailHeaders,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.name = name
        self._server = server
        self._headers = headers
        self._now = now

    def send(self, letter: Letter, to: Recipient, *, within_s: float) -> Outcome:
        """Send one email to all addresses; delivered if the server accepts one of them."""
        if not to.mail:
            return Skipped(why="no_address")
        try:
            addresses = [message.read_address(each, to.name) for each in to.mail]
        except BadAddressError as error:
            return Failed(
                problem="bad_address", detail=f"the address on file is not valid: {error}"
            )
        mail = message.compose(letter, addresses, self._headers, self._now())
        session = Session(min(within_s, self._server.timeout_s))
        try:
            opened = self._open(session)
            # An answer has no sender for the server, so that nothing answers it (RFC 3834).
            sender = self._headers.sender.spec if letter.answers is None else ""
            return opened or self._send(session, mail, sender, addresses)
        finally:
            session.close()

    def is_own(self, address: str) -> bool:
        """Whether mails of this channel are from that address, or are answered to it."""
        own = (self._headers.sender, self._headers.reply_to)
        return address.lower() in {each.spec.lower() for each in own if each is not None}

    def _open(self, session: Session) -> Outcome | None:
        """Connect and log in; None on success."""
        server = self._server
        try:
            session.open(
                server.host, server.port, own_name=self._headers.sender.domain,
                tls=server.tls if server.security == TLS else None,
            )  # fmt: skip
            if server.security == STARTTLS:
                session.start_tls(server.tls)
            if server.user is not None:
                session.log_in(server.user, server.password or "")
        except smtplib.SMTPAuthenticationError as error:
            return Retry(problem="mail_login", detail=_answer_detail(error.smtp_code, "the login"))
        except (smtplib.SMTPNotSupportedError, ssl.SSLError) as error:
            return Retry(problem="mail_tls", detail=_tls_failure(error))
        except (OSError, smtplib.SMTPException) as error:
            return _connection_failure(session, server, error)
        return None

    def _send(
        self, session: Session, mail: EmailMessage, sender: str, to: Sequence[Address]
    ) -> Outcome:
        try:
            refused = session.send(mail, sender, [each.spec for each in to])
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return _refused(min(codes), "the recipient")
        except smtplib.SMTPSenderRefused as error:
            return Retry(
                problem="mail_sender", detail=_answer_detail(error.smtp_code, "the sender")
            )
        except smtplib.SMTPDataError as error:
            return _refused(error.smtp_code, "the letter")
        except smtplib.SMTPNotSupportedError:
            detail = "the address needs SMTPUTF8, which the mail server does not support"
            return Failed(problem="mail_refused", detail=detail)
        except (OSError, smtplib.SMTPException) as error:
            return _connection_failure(session, self._server, error)
        if refused:
            _LOG.warning("the mail server refused some recipients", count=len(refused))
        return Delivered()


def make(name: str, options: Options, sender_name: str) -> Mail:
    """The channel from its table in the settings; `sender_name` goes with the sender's address.

    Keys: `host`, `port`, `security` (starttls, tls, none), `user`, `password` (or `password_file`,
    `password_env`), `sender`, `reply_to`, `list_id`, `ca_file`, `timeout`.

    Raises:
        SettingError: naming the key, its value and its requirement.
    """
    security = options.choice("security", SECURITY, STARTTLS)
    user, password = options.text("user"), options.secret("password")
    if user is not None and security == NONE:
        raise options.wrong(
            "security",
            Cause.of(
                "must_tls",
                "{starttls} or {tls}: a password must not be sent unencrypted",
                starttls=STARTTLS,
                tls=TLS,
            ),
        )
    if (user is None) != (password is None):
        raise options.wrong(
            "user",
            Cause.of("must_with_password", "set together with password: neither works alone"),
        )
    if not f"{user}{password}".isascii():
        raise options.wrong(
            "password",
            Cause.of("must_ascii_login", "in ASCII, like the user: SMTP has no other login"),
        )
    within = options.duration("timeout", _DEFAULT, least=_LEAST, most=_MOST)
    server = Server(
        host=options.needed("host"),
        port=options.number("port", _PORTS[security], least=1, most=65_535),
        security=security,
        tls=None if security == NONE else _tls(options),
        user=user,
        password=password,
        timeout_s=within.total_seconds(),
    )
    sender = _address(options, "sender")
    if sender is None:
        raise options.wrong("sender", Cause.of("must_be_there", "set"))
    headers = MailHeaders(
        sender=sender if sender.name else Address(sender.local, sender.domain, sender_name),
        reply_to=_address(options, "reply_to"),
        list_id=_list_id(options),
    )
    return Mail(name, server, headers)


def _tls(options: Options) -> ssl.SSLContext:
    file: Path | None = options.path("ca_file")
    try:
        return ssl.create_default_context(cafile=None if file is None else str(file))
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise options.wrong(
            "ca_file", Cause.of("must_roots_file", "a file of root certificates that can be read")
        ) from error


def _address(options: Options, key: str) -> Address | None:
    given = options.text(key)
    if given is None:
        return None
    try:
        return message.read_named_address(given)
    except BadAddressError as error:
        expected = Cause.of(
            "must_mail_address", 'an address such as "desk@host.example" ({why})', why=str(error)
        )
        raise options.wrong(key, expected) from error


def _list_id(options: Options) -> str | None:
    given = options.text("list_id")
    if given is None:
        return None
    try:
        return message.read_address(f"list@{given}").domain
    except BadAddressError as error:
        wrong: SettingError = options.wrong(
            "list_id", Cause.of("must_helo", 'a name such as "notices.host.example"')
        )
        raise wrong from error


def _refused(code: int, what: str) -> Outcome:
    detail = _answer_detail(code, what)
    if code >= _FINAL:
        return Failed(problem="mail_refused", detail=detail)
    return Retry(problem=f"smtp_{code}", detail=detail)


def _connection_failure(session: Session, server: Server, error: Exception) -> Retry:
    """The outcome of a failed connection, a timeout, or an answer that is not SMTP."""
    if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code > 0:
        return Retry(
            problem=f"smtp_{error.smtp_code}",
            detail=_answer_detail(error.smtp_code, "the greeting"),
        )
    if session.is_late or isinstance(error, TimeoutError):
        return Retry(problem="mail_timeout", detail="the mail server did not answer in time")
    if isinstance(error, socket.gaierror):
        detail = f"the mail server's name, {server.host}, does not resolve"
    elif isinstance(error, ConnectionRefusedError):
        detail = f"the mail server {server.host} refuses a connection to its port {server.port}"
    else:
        detail = f"the connection to the mail server {server.host}, port {server.port}, broke"
    return Retry(problem="mail_unreachable", detail=detail)


def _tls_failure(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "the mail server's certificate is not trusted"
    if isinstance(error, ssl.SSLError):
        return "the mail server has no supported TLS version"
    return "the mail server offers no STARTTLS, or no supported login"


def _answer_detail(code: int, what: str) -> str:
    return f"the mail server answered {code} to {what}"
