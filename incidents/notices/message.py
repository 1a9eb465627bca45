"""The message: a letter as an email (RFC 5322, MIME), and its delivery to a mail server.

No text can add headers to a message. An SMTP session ends in time, whatever the server does.
"""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email import headerregistry, policy
from email.message import EmailMessage
from threading import Timer

from incidents.errors import BadSiteNameError
from incidents.notices.letter import Letter
from incidents.notices.templating import one_line
from incidents.values import site_name

MAX_LOCAL_OCTETS, MAX_OCTETS = 64, 254
MAX_NAME = 100
"""The maximum number of characters in the name before an address."""

# RFC 5321, section 4.1.2, Dot-string, extended by RFC 6531; nobody uses a quoted one.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u00a0-\U0010ffff]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_WITH_NAME = re.compile(r"\s*(?P<name>[^<>]*?)\s*<(?P<address>[^<>]*)>\s*")


class BadAddressError(ValueError):
    """A text that is not an email address; the message gives the reason but not the text."""


@dataclass(frozen=True, slots=True)
class Address:
    """An email address: `local` before the @, and `domain` in its ASCII form (IDNA 2008)."""

    local: str
    domain: str
    name: str = ""

    @property
    def spec(self) -> str:
        """The address for SMTP: `desk@host.example`."""
        return f"{self.local}@{self.domain}"


def read_address(text: str, name: str | None = None) -> Address:
    """The address `a@b.example`, with the given name.

    Raises:
        BadAddressError: if no email can be sent to it.
    """
    local, at, host = text.strip(" ").rpartition("@")
    if not at:
        raise BadAddressError("it has no @")
    # An encoded word (RFC 2047) would be decoded in transit, with any line ends in it.
    if not local.isprintable() or "=?" in local or _LOCAL.fullmatch(local) is None:
        raise BadAddressError("the part before the @ is not a mailbox name")
    domain = _domain(host)
    if len(local.encode()) > MAX_LOCAL_OCTETS:
        raise BadAddressError(f"more than {MAX_LOCAL_OCTETS} octets are before the @")
    if len(local.encode()) + 1 + len(domain) > MAX_OCTETS:
        raise BadAddressError(f"it has more than {MAX_OCTETS} octets")
    return Address(local, domain, one_line(name or "", MAX_NAME))


def read_named_address(text: str) -> Address:
    """The address in `a@b.example` or `Somebody <a@b.example>`. Raises like `read_address`."""
    found = _WITH_NAME.fullmatch(text)
    if found is None:
        return read_address(text)
    return read_address(found["address"], found["name"].strip('"'))


def _domain(host: str) -> str:
    try:
        domain = site_name.read_own_host(host)
    except BadSiteNameError as error:
        # The error quotes the address, which is personal data.
        raise BadAddressError("the part after the @ is not a domain") from error
    if ":" in domain or domain.replace(".", "").isdecimal():
        raise BadAddressError("the part after the @ is an IP address")
    return domain


_SEVEN_BITS = policy.SMTP.clone(cte_type="7bit")
"""The policy for 7-bit messages, which every mail server accepts."""

_TAGS = {"zh_CN": "zh-CN", "en": "en"}
# RFC 5322, section 3.2.3, dot-atom-text.
# RFC 5322, section 3.6.4, as mail servers write it; others are not repeated.
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~:-]{1,200}@[A-Za-z0-9.\[\]:_-]{1,200}>")
_NO_ATOM = re.compile(r"[^A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHeaders:
    """The headers common to all emails of a channel."""

    sender: Address
    reply_to: Address | None = None
    list_id: str | None = None


def compose(
    letter: Letter, to: Sequence[Address], headers: MailHeaders, now: datetime
) -> EmailMessage:
    """The letter as an email dated `now` (UTC), with the text and the page as alternatives.

    The same letter has the same Message-ID, so that a mailbox which receives it twice shows it
    once. Auto-Submitted (RFC 3834) suppresses automatic replies.
    """
    mail = EmailMessage(policy=_SEVEN_BITS)
    mail["From"] = _header_address(headers.sender)
    mail["To"] = [_header_address(address) for address in to]
    mail["Subject"] = without_encoded_words(letter.subject)
    mail["Date"] = now
    mail["Message-ID"] = message_id(letter.id, headers.sender)
    mail["Auto-Submitted"] = "auto-generated" if letter.answers is None else "auto-replied"
    original = None if letter.answers is None else letter.answers.message_id
    if original is not None and _MESSAGE_ID.fullmatch(original):
        mail["In-Reply-To"] = mail["References"] = original
    if headers.reply_to is not None:
        mail["Reply-To"] = _header_address(headers.reply_to)
    if headers.list_id is not None:
        mail["List-Id"] = f"<{headers.list_id}>"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    # Set earlier, it would apply to the first part only.
    mail["Content-Language"] = ", ".join(_TAGS[language] for language in letter.languages)
    return mail


def message_id(id_: str, sender: Address) -> str:
    """The Message-ID from the letter's id and the sender: `<12-o45.notice@host.example>`."""
    return f"<{_NO_ATOM.sub('-', id_).strip('.-')}@{sender.domain}>"


def without_encoded_words(text: str) -> str:
    """The text for a header, without anything that begins an encoded word (RFC 2047).

    Otherwise the library `email` would decode the word, and a hidden line end would take effect.
    """
    return text.replace("=?", "= ?")


def _header_address(address: Address) -> headerregistry.Address:
    return headerregistry.Address(
        without_encoded_words(address.name), address.local, address.domain
    )


Refused = dict[str, tuple[int, bytes]]
"""The refused addresses, each with the server's answer."""

_READY = 220
_MIN_TIMEOUT_S = 0.1
_QUIT_TIMEOUT_S = 1.0


class Session:
    """An SMTP session of at most `within_s` seconds, over one connection.

    The socket's own timeout restarts with each byte. So a timer closes the connection when the time
    is over, and the waiting call fails.
    """

    def __init__(self, within_s: float) -> None:
        self._until = time.monotonic() + within_s
        self._client: _Client | None = None
        self._watch = Timer(within_s, self._shut_down)
        self._watch.daemon = True

    @property
    def is_late(self) -> bool:
        """Whether the time is over, which then explains any failure."""
        return time.monotonic() >= self._until

    def open(self, host: str, port: int, *, own_name: str, tls: ssl.SSLContext | None) -> None:
        """Connect, over TLS from the start if `tls` is given. Raises the same errors as smtplib."""
        self._watch.start()
        self._client = _Client(own_name, self._time_left(), tls)
        code, _ = self._client.connect_to(host, port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, "")

    def start_tls(self, context: ssl.SSLContext | None) -> None:
        """Switch to TLS (RFC 3207), or fail. Raises the same errors as smtplib."""
        self._ready().starttls(context=context)

    def log_in(self, user: str, password: str) -> None:
        """Log in (RFC 4954). Raises the same errors as smtplib."""
        self._ready().login(user, password)

    def send(self, mail: EmailMessage, sender: str, to: Sequence[str]) -> Refused:
        """Send the email; return the refused recipients. Raises the same errors as smtplib."""
        client = self._ready()
        refused: Refused = client.send_message(mail, sender, list(to))
        # The mail is accepted, whatever QUIT returns.
        with suppress(OSError, smtplib.SMTPException):
            client.set_timeout(_QUIT_TIMEOUT_S)
            client.quit()
        return refused

    def close(self) -> None:
        """Close the connection."""
        self._watch.cancel()
        if self._client is not None:
            self._client.close()

    def _ready(self) -> _Client:
        assert self._client is not None, "the session is open"
        self._client.set_timeout(self._time_left())
        return self._client

    def _time_left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return max(left, _MIN_TIMEOUT_S)

    def _shut_down(self) -> None:
        client = self._client
        if client is not None and client.sock is not None:
            # The socket's own shutdown: that of TLS would first wait for the server.
            with suppress(OSError):
                socket.socket.shutdown(client.sock, socket.SHUT_RDWR)


class _Client(smtplib.SMTP):
    """smtplib's client, which does not send this machine's name in its greeting."""

    def __init__(self, own_name: str, timeout_s: float, tls: ssl.SSLContext | None) -> None:
        super().__init__(local_hostname=own_name, timeout=timeout_s)
        self._tls = tls

    def connect_to(self, host: str, port: int) -> tuple[int, bytes]:
        """Connect, and return the server's greeting."""
        # smtplib checks the certificate against this name.
        self._host = host
        return self.connect(host, port)

    def set_timeout(self, timeout_s: float) -> None:
        """Set the timeout for a single answer."""
        if self.sock is not None:
            self.sock.settimeout(timeout_s)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Open the connection for smtplib."""
        opened = _connected(host, port, timeout)
        if self._tls is None:
            return opened
        try:
            return self._tls.wrap_socket(opened, server_hostname=host)
        except BaseException:
            opened.close()
            raise


def _connected(host: str, port: int, within_s: float) -> socket.socket:
    """Connect to the first of the host's addresses that answers; the time is for all of them."""
    until = time.monotonic() + within_s
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure: OSError = ConnectionError("the host has no address")
    for left, (*_, address) in zip(range(len(found), 0, -1), found, strict=True):
        share_s = max(_MIN_TIMEOUT_S, (until - time.monotonic()) / left)
        try:
            return socket.create_connection((str(address[0]), port), share_s)
        except OSError as error:
            failure = error
    raise failure
