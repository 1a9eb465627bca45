"""Reports that are written to hurt their reader: each is answered with what it was."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Iterator

import pytest

from incidents.inbox.parser_process import Parcel, ParserProcess

HEAD = b"From: a@user.example\nSubject: phishing\n"
GOOD = HEAD + b"\nhxxp://shop[.]example/x\n"


@pytest.fixture(scope="module")
def parser() -> Iterator[ParserProcess]:
    with ParserProcess({}) as process:
        yield process


def nested(depth: int) -> bytes:
    parts = (
        b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth)
    )
    return HEAD + b"".join(parts) + b"\nhxxp://shop[.]example/x\n"


def zip_bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * (64 << 20))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("raw", "format_", "reason"),
    [
        (b"", "none", "empty"),
        (b"\0" * 100, "binary", "binary"),
        (nested(1_000), "mail", "deep"),
        (HEAD + b"\n" + b"Content-Type: message/rfc822\n\n" * 1_000, "mail", None),
        (b"From: " + b"(" * 100_000 + b"\nSubject: x\n\nx", "mail", "deep"),
        (zip_bomb(), "zip", "archive"),
        (gzip.compress(b"0" * (64 << 20)), "gzip", "archive"),
        (b"ip,url\n" + b"a" * (4 << 20), "text", "table"),
        (b"[" * 10_000, "json", "deep"),
        (b'{"a":' * 10_000, "json", "deep"),
        (HEAD + b"Content-Type: text/plain" + b"; a=b" * 200_000 + b"\n\nx", "mail", "slow"),
        (b"From: " + b"a@user.example, " * 200_000 + b"\nSubject: x\n\nx", "mail", "slow"),
        (HEAD + b"Content-Type: text/html\n\n" + b"<div" * 1_000_000, "mail", "slow"),
    ],
    ids=lambda value: str(value)[:12] if not isinstance(value, bytes) else "",
)
def test_a_report_that_cannot_be_read_is_answered_with_why(
    parser: ParserProcess, raw: bytes, format_: str, reason: str | None
) -> None:
    before, found, after = parser.read([Parcel(GOOD, ""), Parcel(raw, ""), Parcel(GOOD, "")])
    assert (found.format, found.reason) == (format_, reason)
    assert before == after
    assert before.hosts == ("shop.example",)


def test_a_mail_of_a_hundred_thousand_fields_is_read_and_says_that_there_were_more(
    parser: ParserProcess,
) -> None:
    fields = b"".join(b"X-%d: y\n" % n for n in range(100_000))
    [found] = parser.read([Parcel(HEAD + fields + b"\nhxxp://shop[.]example/x\n", "")])
    assert (found.hosts, found.more, found.reason) == (("shop.example",), True, None)


def test_a_list_of_very_many_addresses_gives_the_first_and_says_that_there_were_more(
    parser: ParserProcess,
) -> None:
    urls = b"\n".join(b"http://s%d.example/a" % n for n in range(100_000))
    [found] = parser.read([Parcel(HEAD + b"\n" + urls, "")])
    assert (len(found.urls), found.urls[0], found.more) == (500, "http://s0.example/a", True)


def test_what_needs_more_memory_than_the_child_has_is_kept_unread(parser: ParserProcess) -> None:
    # Five million objects, of 64 bytes each: of all, what needs the least of its time.
    [found] = parser.read([Parcel(b"[" + b"{}," * 5_000_000 + b"{}]", "")])
    assert (found.format, found.reason) == ("json", "memory")


def test_a_child_that_is_killed_is_started_again(parser: ParserProcess) -> None:
    [first] = parser.read([Parcel(GOOD, "")])
    assert parser._process is not None
    os.kill(parser._process.pid, 9)
    [lost] = parser.read([Parcel(GOOD, "")])
    assert lost.reason == "slow"
    assert parser.read([Parcel(GOOD, "")]) == [first]
