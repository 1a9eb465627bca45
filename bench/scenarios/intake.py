"""Taking reports in from a Maildir: kept, read, on record and moved away, by `daemon --once`.

Measured: reports a second, from the start of the process to its end, and the most resident memory
that it or its child had; of all reports, and of a tenth of them. The floor reads the same files
with `email.message_from_bytes` of the standard library, and keeps nothing.

The mails are of five kinds that a desk gets, with the header that mail servers give them (some 3 kB
each): ARF, XARF, plain text with defanged addresses, HTML, and Chinese in GB18030.

Not measured: the mail server, and what becomes of the reports.
"""

from __future__ import annotations

import base64
import email
import time
from collections.abc import Iterator
from pathlib import Path

from bench import program, workers
from bench.context import Context, settle
from bench.databases import Databases
from bench.trial import Contender, Figure, Target, Trial

OURS, FLOOR, MEMORY = "taken in", "parsed alone", "memory"
_TAKEN = ".Taken"

_HEADER = "".join(
    f"Received: from mx{n}.mail.example (mx{n}.mail.example [192.0.2.{n}])\r\n"
    f"\tby mail.host.example (Postfix) with ESMTPS id 4F1A2B3C4D{n}\r\n"
    f"\tfor <abuse@host.example>; Sat, 28 Feb 2026 09:0{n}:11 +0800 (CST)\r\n"
    for n in range(1, 4)
) + (
    "Return-Path: <abuse@mail.example>\r\nDelivered-To: abuse@host.example\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=mail.example; s=s1;\r\n"
    "\th=from:to:subject:date:message-id:mime-version:content-type;\r\n"
    f"\tbh={'A' * 43}=;\r\n\tb={'B' * 70}\r\n\t {'C' * 70}\r\n\t {'D' * 70}\r\n"
    "Authentication-Results: mail.host.example; dkim=pass header.d=mail.example;\r\n"
    "\tspf=pass smtp.mailfrom=mail.example\r\n"
    "From: Abuse desk <abuse@mail.example>\r\nTo: abuse@host.example\r\n"
    "Date: Sat, 28 Feb 2026 09:00:00 +0800\r\nMIME-Version: 1.0\r\n"
)
_ARF = (
    'Subject: Abuse report\r\nContent-Type: multipart/report; report-type="feedback-report";'
    ' boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nThis is an abuse report.\r\n'
    "--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\nVersion: 1\r\n"
    "User-Agent: Reporter/1.0\r\nSource-IP: 198.51.100.7\r\n"
    "Reported-URI: http://shop{n}.example/win.html\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
    "From: win@shop{n}.example\r\nTo: somebody@mail.example\r\nSubject: You have won\r\n"
    "Received: from shop{n}.example ([198.51.100.7])\r\n\tby mail.example; Sat, 28 Feb 2026\r\n\r\n"
    + "Take your prize at http://shop{n}.example/win.html today.\r\n" * 12 + "--b--\r\n"
)  # fmt: skip
_XARF = (
    'Subject: XARF report\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\n'
    "Content-Type: text/plain\r\n\r\nSee the attached report.\r\n--b\r\n"
    "Content-Type: application/json; name=xarf.json\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    "{json}\r\n--b--\r\n"
)
_JSON = (
    '{{"xarf_version": "4.0.0", "report_id": "550e8400-e29b-41d4-a716-44665544{n:04}",'
    ' "timestamp": "2026-02-28T01:00:00Z", "reporter": {{"org": "Reporter", "contact":'
    ' "abuse@mail.example", "domain": "mail.example"}}, "sender": {{"org": "Reporter", "contact":'
    ' "abuse@mail.example", "domain": "mail.example"}}, "source_identifier": "198.51.100.7",'
    ' "category": "content", "type": "phishing", "url": "https://shop{n}.example/login"}}'
)
_TEXT = (
    "Subject: Phishing page\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello,\r\n\r\n"
    "hxxps://shop{n}[.]example/login copies the page of a bank.\r\nIP: 198.51.100[.]7\r\n"
    + "Please look at it, and tell us what you have done about it.\r\n"
    * 10
)
_HTML = (
    "Subject: Malware\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>We found"
    ' malware at <a href="http://shop{n}.example/a.exe">this address</a>.</p>'
    + "<p>It was seen by our scanner.</p>" * 20 + "</body></html>\r\n"
)  # fmt: skip
_CHINESE = (
    "Subject: =?gb18030?B?vtmxqA==?=\r\nContent-Type: text/plain; charset=gb18030\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\n"
)
_CHINESE_TEXT = "网站 http://shop{n}.example/ 有赌博内容，请处理。\r\n" * 10


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    wanted = context.of_size(tiny=50, small=5_000, full=100_000)
    for databases in context.each():
        tenth = wanted // 10
        yield Trial(
            scenario="intake",
            database=databases.kind,
            title=f"{wanted:,} reports in a Maildir",
            contenders=[
                Contender(
                    name="email.message_from_bytes", role="floor",
                    run=lambda: _parsing(context.folder / "intake-floor", wanted),
                ),
                _daemon(context, databases, wanted),
                _daemon(context, databases, tenth),
            ],
            targets=[
                Target(of=_label(OURS, wanted), against=FLOOR, at_least=0.25),
                Target(of=_label(MEMORY, wanted), against=_label(MEMORY, tenth), at_most=1.25),
            ],
        )  # fmt: skip


def _label(what: str, count: int) -> str:
    return f"{what}, {count:,} reports"


def mail(n: int) -> bytes:
    """The n-th report; no two are the same."""
    header = f"{_HEADER}Message-ID: <{n}@mail.example>\r\n".encode()
    kind = n % 5
    if kind == 0:
        return header + _ARF.format(n=n).encode()
    if kind == 1:
        encoded = base64.encodebytes(_JSON.format(n=n).encode()).decode()
        return header + _XARF.format(json=encoded).encode()
    if kind == 4:
        return header + _CHINESE.encode() + _CHINESE_TEXT.format(n=n).encode("gb18030")
    return header + (_TEXT if kind == 2 else _HTML).format(n=n).encode()


def _filled(folder: Path, count: int) -> Path:
    """A Maildir with so many mails in it, on the disk already."""
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    for n in range(count):
        (folder / "new" / f"{n:07}.host").write_bytes(mail(n))
    settle()
    return folder


def _parsing(folder: Path, count: int) -> list[Figure]:
    if not folder.exists():
        _filled(folder, count)
    return [Figure(FLOOR, count / workers.alone(_parse, folder / "new"), "reports/s")]


def _parse(folder: Path) -> float:
    began = time.perf_counter()
    for file in sorted(folder.iterdir()):
        email.message_from_bytes(file.read_bytes())
    return time.perf_counter() - began


def _daemon(context: Context, databases: Databases, count: int) -> Contender:
    rounds = iter(range(1_000_000))

    def once() -> list[Figure]:
        folder = context.folder / f"intake-{databases.kind}-{count}-{next(rounds)}"
        maildir = _filled(folder / "mail", count)
        settings = folder / "config.toml"
        settings.write_text(f'[inbox]\nmaildir = "{maildir}"\n', encoding="utf-8")
        environment = {
            "INCIDENTS_CONFIG": settings, "INCIDENTS_EVIDENCE": folder / "evidence",
            "XDG_DATA_HOME": folder / "data",
        }  # fmt: skip
        given = [f"{name}={value}" for name, value in environment.items()]
        with databases.new() as url:
            ended = program.measured(
                ["env", *given, *program.INCIDENTS, "daemon", "--once", "--db", url]
            )
        taken = sum(1 for _ in (maildir / _TAKEN / "cur").iterdir())
        assert taken == count, f"{taken} of {count} were taken"
        return [
            Figure(_label(OURS, count), count / ended.took_s, "reports/s"),
            Figure(_label(MEMORY, count), ended.peak_mib, "MiB"),
        ]

    return Contender(name=f"incidents daemon --once, {count:,}", role="ours", run=once)
