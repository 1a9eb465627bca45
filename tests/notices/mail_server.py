"""A real mail server on the loopback, which keeps its mail and answers as a test sets it."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@dataclass
class Mailbox:
    """The received mail, and the answers: by default all is accepted."""

    got: list[Envelope] = field(default_factory=list)
    to_sender: str = "250 OK"
    to_recipients: dict[str, str] = field(default_factory=dict)
    to_data: str = "250 OK"
    logins: list[tuple[str, str]] = field(default_factory=list)
    over_tls: list[bool] = field(default_factory=list)
    greeted_by: list[str] = field(default_factory=list)

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails, as a reader's program opens them."""
        return [opened(_bytes(envelope)) for envelope in self.got]

    @property
    def raw(self) -> list[bytes]:
        """The mails as they came."""
        return [_bytes(envelope) for envelope in self.got]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.over_tls.append(session.ssl is not None)
        self.greeted_by.append(str(session.host_name))
        if self.to_sender.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.to_sender

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        answer = self.to_recipients.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.to_data.startswith("250"):
            self.got.append(envelope)
        return self.to_data

    def log_in(self, *called: Any) -> AuthResult:
        """aiosmtpd's authenticator: one user, one password."""
        auth = called[-1]
        assert isinstance(auth, LoginPassword)
        self.logins.append((auth.login.decode(), auth.password.decode()))
        right = auth.password == b"right"
        # The server itself answers the rest: 535.
        return AuthResult(success=right, handled=right)


def opened(raw: bytes) -> EmailMessage:
    """A mail as a reader's program opens it."""
    mail = message_from_bytes(raw, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    """The visible text: `plain` or `html`."""
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


@contextmanager
def server(
    mailbox: Mailbox, tls: str | None = None, folder: Path | None = None, **said: Any
) -> Iterator[int]:
    """Run it and yield its port; with `tls`, starttls or tls, `folder` holds its certificate."""
    settings: dict[str, Any] = dict(said)
    if tls is not None:
        assert folder is not None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "server.pem")
        settings |= {"ssl_context": context} if tls == "tls" else {"tls_context": context}
    # aiosmtpd looks itself whether it answers, and port 0 is not where it then is.
    controller = _Controller(mailbox, hostname=HOST, port=0, **settings)
    controller.start()
    try:
        yield controller.bound
    finally:
        controller.stop()


def make_certificate(folder: Path, *names: str) -> Path:
    """A certificate for this host in `server.pem`, and the file that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    shown: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    shown.append(x509.IPAddress(ipaddress.ip_address(HOST)))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(shown), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(private + public)
    (folder / "trusted.pem").write_bytes(public)
    return folder / "trusted.pem"


class _Controller(Controller):
    """On a port that the system chooses."""

    @property
    def bound(self) -> int:
        assert isinstance(self.server, asyncio.Server)
        [listening] = self.server.sockets
        port: int = listening.getsockname()[1]
        return port

    def _trigger_server(self) -> None:
        self.port = self.bound
        super()._trigger_server()  # type: ignore[no-untyped-call]  # aiosmtpd's


def _bytes(envelope: Envelope) -> bytes:
    content = envelope.content
    assert isinstance(content, bytes)
    return content


@contextmanager
def desk_mail(file: Path) -> Iterator[Mailbox]:
    """A real mail server, which the settings name as the desk's channel."""
    mailbox = Mailbox()
    with server(mailbox) as port:
        file.write_text(
            f"""
            [notices]
            desk_name = "Example Hosting"
            desk_phone = "+86 10 5555 0100"
            [notices.mail]
            type = "smtp"
            host = "{HOST}"
            port = {port}
            security = "none"
            sender = "desk@host.example"
            [alarms]
            channels = ["mail"]
            [alarms.mail]
            to = ["operator-1@host.example"]
            """
        )
        yield mailbox
