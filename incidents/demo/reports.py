"""The reports of the sample data: five that have just come in by mail."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from incidents.desk import Desk
from incidents.desk.inbox import receiving
from incidents.desk.inbox.receiving import Incoming
from incidents.inbox import readers
from incidents.inbox.receiving import MAX_READ, incoming
from incidents.inbox.source import Source
from incidents.machine.command import DAEMON
from incidents.record import streams
from incidents.settings import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

_LIMIT = 1 << 20


def write(engine: Engine, end: datetime) -> None:
    """Receive the reports at the desk of that database, the last one at `end` (aware)."""
    folder = sources.load().evidence
    mails = list(_mails(end))
    for n, mail in enumerate(mails):
        kept = streams.keep(BytesIO(mail), folder, limit=_LIMIT, first=MAX_READ)
        new = incoming(kept, readers.read(Source(mail)), "maildir")
        _receive(engine, new, end - timedelta(minutes=9 * (len(mails) - 1 - n)))


def _receive(engine: Engine, new: Incoming, at: datetime) -> None:
    Desk(engine, clock=lambda: at).on_record(
        partial(receiving.receive, incoming=[new], by=DAEMON, login=None, clock=lambda: at)
    )


def _mails(end: datetime) -> Iterator[bytes]:
    def head(sender: str, subject: str, kind: str, ago: int) -> str:
        date = format_datetime(end - timedelta(minutes=ago))
        return (
            f"From: {sender}\nTo: abuse@host.example\nSubject: {subject}\nDate: {date}\n"
            f"Message-ID: <{ago}@reports.example>\nMIME-Version: 1.0\nContent-Type: {kind}\n\n"
        )

    text = "text/plain; charset=utf-8"
    yield (
        head("赵先生 <zhao@user.example>", "举报赌博网站", text, 50)
        + "您好：\n\n网址：https://lotto.example/du\n该网站传播赌博信息，请尽快处理。\n"
    ).encode()
    seen = (end - timedelta(minutes=75)).isoformat()
    found = {
        "Version": "3",
        "ReporterInfo": {"ReporterOrg": "Example Watch", "ReporterOrgEmail": "watch@crawl.example"},
        "Report": {
            "ReportClass": "Activity", "ReportType": "Phishing", "Date": seen,
            "SourceIp": "192.0.2.20", "Url": "https://mail.example/login",
        },
    }  # fmt: skip
    yield (
        head("watch@crawl.example", "Phishing on mail.example", "application/json", 40)
        + json.dumps(found)
    ).encode()
    yield (
        head("qian@user.example", "Phishing", text, 30)
        + "hxxps://mail[.]example/login asks for my password.\n"
    ).encode()
    yield (
        head("noc@peer.example", "Port scan from 203.0.113.80", text, 20)
        + "203.0.113.80 scans our network.\n"
    ).encode()
    protected = 'multipart/encrypted; protocol="application/pgp-encrypted"; boundary="b"'
    yield (
        head("sun@user.example", "Confidential", protected, 10)
        + "--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b--\n"
    ).encode()
