"""The settings of a mailbox on a mail server, from which a daemon takes reports: [inbox.imap]."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from incidents.errors import Cause
from incidents.settings.inbox import IMAP, SECTION
from incidents.settings.options import Options

TLS, STARTTLS, NONE = SECURITY = ("tls", "starttls", "none")
_PORTS = {TLS: 993, STARTTLS: 143, NONE: 143}
_DEFAULT, _LEAST, _MOST = timedelta(seconds=10), timedelta(seconds=1), timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount:
    """A mailbox: its server, its login, and its folders.

    `folder`: from which mails are taken; `taken`: to which they move. `tls`: the trusted
    authorities; None without encryption. `timeout_s`: the longest wait for an answer in seconds.
    """

    host: str
    port: int
    security: str
    tls: ssl.SSLContext | None = field(compare=False, repr=False)
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"
    taken: str = "Taken"
    ca_file: str | None = None
    timeout_s: float = 10.0


def read(section: Mapping[str, Any]) -> ImapAccount | None:
    """Read the table [inbox.imap] of the section [inbox]; None if there is none.

    Only a daemon needs its password, and may be the only one that can read it.

    Raises:
        SettingError, UnknownSettingError: naming the key, its value and its requirement.
    """
    options = Options(f"[{SECTION}]", section).table(IMAP)
    if options is None:
        return None
    host, security = options.needed("host"), options.choice("security", SECURITY, TLS)
    if security == NONE and not _is_loopback(host):
        raise options.wrong(
            "security",
            Cause.of(
                "must_tls_afar",
                "{tls} or {starttls}: only to this machine itself, a password may be sent"
                " unencrypted",
                tls=TLS, starttls=STARTTLS,
            ),
        )  # fmt: skip
    user, password = _printable(options, "user", options.needed("user")), options.secret("password")
    if password is None:
        raise options.wrong("password", Cause.of("must_be_there", "set"))
    if not password.isprintable():
        raise options.wrong_secret("password", _PRINTABLE)
    folder = _printable(options, "folder", options.text("folder", "INBOX"))
    taken = _printable(options, "taken", options.text("taken", "Taken"))
    if taken == folder or taken.upper() == "INBOX":
        raise options.wrong(
            "taken", Cause.of("must_other_folder", "another folder than the one of new mails")
        )
    found = ImapAccount(
        host=host,
        port=options.number("port", _PORTS[security], least=1, most=65_535),
        security=security,
        tls=None if security == NONE else _tls(options),
        user=user,
        password=password,
        folder=folder,
        taken=taken,
        ca_file=options.text("ca_file"),
        timeout_s=options.duration("timeout", _DEFAULT, least=_LEAST, most=_MOST).total_seconds(),
    )
    options.finish()
    return found


_PRINTABLE = Cause.of("must_printable", "a text of printable characters")


def _printable(options: Options, key: str, value: str | None) -> str:
    if value is None or not value.isprintable():
        raise options.wrong(key, _PRINTABLE)
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _tls(options: Options) -> ssl.SSLContext:
    file = options.path("ca_file")
    try:
        return ssl.create_default_context(cafile=None if file is None else str(file))
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise options.wrong(
            "ca_file", Cause.of("must_roots_file", "a file of root certificates that can be read")
        ) from error
