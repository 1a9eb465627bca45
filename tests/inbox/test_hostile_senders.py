"""What anybody can write into a report neither hides the rest of it nor keeps others back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from incidents.app import App
from incidents.inbox import readers, receiving
from incidents.inbox.children.parser import LOT_BYTES, Parcel, Parser
from incidents.inbox.reading import Reading
from incidents.inbox.receiving import Delivery
from incidents.inbox.source import Source
from incidents.settings import sources
from tests.inbox.test_samples import FOLDER

XARF = json.loads((FOLDER / "xarf-v4-phishing.json").read_bytes())


def read(raw: bytes) -> Reading:
    return readers.read(Source(raw, "", {}))


def mail(subject: str, body: str, *fields: bytes) -> bytes:
    head = b"\n".join([b"From: zhao@user.example", f"Subject: {subject}".encode(), *fields])
    return head + b"\nContent-Type: text/plain; charset=utf-8\n\n" + body.encode()


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example:99999/q", "http://shop..example/p", "https://", "http://[shop]/p",
        f"http://{'a' * 70}.example/", f"http://shop.example/{'a' * 9_000}",
        "http://shop.example/\ud800",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_read_hides_nothing_else_of_the_report(url: str) -> None:
    found = read(json.dumps({**XARF, "url": url}).encode())
    assert (found.format, found.reason, found.category) == ("xarf", None, "phishing")
    found = read(f"url,host\n{url.encode('ascii', 'ignore').decode()},\n,news.example\n".encode())
    assert (found.format, found.reason) == ("csv", None)
    assert "news.example" in found.hosts


def test_of_an_address_with_a_wrong_port_the_host_is_read() -> None:
    assert (
        "shop.example"
        in read(json.dumps({**XARF, "url": "http://shop.example:99999/"}).encode()).hosts
    )


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Phishing report", "the page contains child pornography"),
        ("illegal content", "child\nsexual abuse material"),
        ("举报：淫秽色情", "传播儿童色情视频"), ("举报", "網站傳播兒童色情"), ("举报", "恋童网站"),
        ("Malware", "child-sexual-abuse"),
    ],
)  # fmt: skip
def test_what_names_child_abuse_anywhere_is_in_that_category(subject: str, body: str) -> None:
    assert read(mail(subject, f"http://shop.example/ {body}")).category == "child_abuse"


def test_an_address_of_ipv4_in_ipv6_is_one_address() -> None:
    found = read(mail("abuse", "from ::ffff:203.0.113.130 today"))
    assert found.addresses == ("203.0.113.130",)


def test_a_date_before_the_web_is_no_time_of_a_report() -> None:
    found = read(mail("abuse", "http://shop.example/", b"Date: Tue, 01 Dec 1987 10:00:00 +0000"))
    assert found.seen_at is None


def test_reports_of_many_bytes_are_read_one_after_the_other() -> None:
    raw = mail("phishing", "http://shop.example/login\n") + b"x" * (LOT_BYTES * 3)
    parser = Parser({})
    found = parser.read([Parcel(raw, "")] * 8)
    parser.end()
    assert {(each.format, each.reason) for each in found} == {("mail", None)}


@pytest.fixture
def app(db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[App]:
    monkeypatch.setenv("INCIDENTS_EVIDENCE", str(tmp_path / "evidence"))
    opened = App(sources.load(db=db_url))
    yield opened
    opened.close()


def receive(app: App, *raws: bytes) -> list[Any]:
    deliveries = [Delivery(lambda raw=raw: nullcontext(BytesIO(raw))) for raw in raws]  # type: ignore[misc]
    return [
        report
        for report, _ in app.reports.receive(
            deliveries, channel="maildir", by="daemon", login=None
        )
    ]  # fmt: skip


def test_a_field_with_half_a_character_keeps_no_report_back(app: App) -> None:
    forged = mail("abuse", "http://shop.example/", b"Authentication-Results: s\xffrv; dkim=pass")
    found = receive(app, mail("a", "one"), forged, mail("b", "two"))
    assert [each["state"] for each in found] == ["new", "new", "new"]


def test_a_reading_that_cannot_be_put_on_record_makes_one_report_unreadable(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = receiving.incoming

    def failing(kept: Any, reading: Reading, channel: str) -> Any:
        if reading.subject == "broken":
            raise ValueError("a reading of tomorrow")
        return whole(kept, reading, channel)

    monkeypatch.setattr(receiving, "incoming", failing)
    found = receive(app, mail("a", "one"), mail("broken", "x"), mail("b", "two"))
    assert [(each["state"], each["subject"]) for each in found] == [
        ("new", "a"), ("unreadable", None), ("new", "b"),
    ]  # fmt: skip
