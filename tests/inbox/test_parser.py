"""Reports that are written to hurt their reader: each is answered with what it was."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from incidents.errors import BusyError
from incidents.inbox.children.limited_child import LimitedChild
from incidents.inbox.children.parser import MAX_CHILDREN, Parcel, Parser, Parsers
from incidents.inbox.reading import Reading
from tests.patience import until

HEAD = b"From: a@user.example\nSubject: phishing\n"
GOOD = HEAD + b"\nhxxp://shop[.]example/x\n"


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    parsers = Parsers()
    with parsers.taken({}) as parser:
        yield parser
    parsers.end()


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
    parser: Parser, raw: bytes, format_: str, reason: str | None
) -> None:
    before, found, after = parser.read([Parcel(GOOD, ""), Parcel(raw, ""), Parcel(GOOD, "")])
    assert (found.format, found.reason) == (format_, reason)
    assert before == after
    assert before.hosts == ("shop.example",)


def test_a_mail_of_a_hundred_thousand_fields_is_read_and_says_that_there_were_more(
    parser: Parser,
) -> None:
    fields = b"".join(b"X-%d: y\n" % n for n in range(100_000))
    [found] = parser.read([Parcel(HEAD + fields + b"\nhxxp://shop[.]example/x\n", "")])
    assert (found.hosts, found.more, found.reason) == (("shop.example",), True, None)


def test_a_list_of_very_many_addresses_gives_the_first_and_says_that_there_were_more(
    parser: Parser,
) -> None:
    urls = b"\n".join(b"http://s%d.example/a" % n for n in range(100_000))
    [found] = parser.read([Parcel(HEAD + b"\n" + urls, "")])
    assert (len(found.urls), found.urls[0], found.more) == (500, "http://s0.example/a", True)


def test_what_needs_more_memory_than_the_child_has_is_kept_unread(parser: Parser) -> None:
    # Five million objects, of 64 bytes each: of all, what needs the least of its time.
    [found] = parser.read([Parcel(b"[" + b"{}," * 5_000_000 + b"{}]", "")])
    assert (found.format, found.reason) == ("json", "memory")


def test_a_child_that_is_killed_is_started_again(parser: Parser) -> None:
    [first] = parser.read([Parcel(GOOD, "")])
    child = parser.child
    assert child is not None
    os.kill(child.pid, 9)
    until(lambda: child.has_ended, "that the child has ended")
    assert parser.read([Parcel(GOOD, "")]) == [first]


def children() -> set[int]:
    """The limited children of this process that live."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            words = status.with_name("cmdline").read_bytes()
            is_own = f"PPid:\t{os.getpid()}\n" in status.read_text(encoding="utf-8")
            if is_own and b"limited_child" in words:
                found.add(int(status.parent.name))
    return found


@pytest.fixture
def parsers() -> Iterator[Parsers]:
    parsers = Parsers()
    yield parsers
    parsers.end()


def test_a_hundred_at_once_are_read_by_a_few_children_which_stay(parsers: Parsers) -> None:
    before = children()
    ever: set[int] = set()

    def read(n: int) -> Reading:
        with parsers.taken({}) as parser:
            [found] = parser.read([Parcel(HEAD + b"\nhttp://shop.example/%d" % n, "")])
            ever.update(children() - before)
            return found

    with ThreadPoolExecutor(100) as threads:
        found = list(threads.map(read, range(100)))
    assert [each.urls for each in found] == [(f"http://shop.example/{n}",) for n in range(100)]
    assert 1 <= len(ever) <= MAX_CHILDREN
    assert ever <= children()
    parsers.end()
    assert not ever & children()


def test_who_waits_too_long_for_a_child_is_told_to_come_again(parsers: Parsers) -> None:
    with parsers.taken({}), parsers.taken({}), pytest.raises(BusyError):
        parsers.taken({}, 0.01).__enter__()
    with parsers.taken({}, 0.01), parsers.taken({}, 0.01):
        pass


def test_a_child_serves_all_with_the_same_options_until_an_error(parsers: Parsers) -> None:
    def child(**options: str) -> LimitedChild | None:
        with parsers.taken(options) as parser:
            parser.read([Parcel(GOOD, "")])
            return parser.child

    first = child(zone="a")
    assert child(zone="a") is first
    other = child(zone="b")
    assert other is not first

    def fail() -> None:
        with parsers.taken({"zone": "b"}) as parser:
            assert parser.child is other
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert child(zone="b") is not other
