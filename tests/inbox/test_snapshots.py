"""What is found at a reported address, whatever its server answers, and what is not asked for."""

from __future__ import annotations

import gzip
import hashlib
import socket
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest

from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.snapshots import taking
from incidents.inbox.snapshots.fetching import MAX_BYTES, Page
from incidents.inbox.snapshots.screenshot import Screenshot, Screenshots
from incidents.inbox.snapshots.taking import Snapshots
from incidents.outbound.guard import Guard, dial
from incidents.record import evidence
from tests.outbound.rig import (
    LOOPBACK,
    Answering,
    Handler,
    Script,
    always,
    dripping,
    receiver,
    saying,
    silent,
    talker,
)

PUBLIC = "8.8.8.8"
METADATA = "169.254.169.254"
PAGE = b"<title>Sign\n in</title><p>Bank &amp; more</p><script>alert(1)</script>"
HTML = {"Content_Type": "text/html"}


def report(*urls: str, sites: Sequence[str] = ("shop.example",), **more: Any) -> Any:
    return {
        "urls": list(urls), "candidates": list(sites), "sealed": False, "state": "new",
        "standing": "none", **more,
    }  # fmt: skip


def guard(port: int, *answers: Sequence[str]) -> Guard:
    """A guard to which names have these addresses, one answer after the other, and then the last.

    A connection to the public one arrives on the loopback.
    """
    left = list(answers or ([PUBLIC],))

    def resolve(_host: str, _port: int) -> Sequence[str]:
        return left.pop(0) if len(left) > 1 else left[0]

    def connect(address: str, _port: int, within_s: float) -> socket.socket:
        assert address == PUBLIC, f"connected to {address}"
        return dial(LOOPBACK, port, within_s)

    return Guard(plain_http=True, resolve=resolve, dial=connect)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


def looked(
    folder: Path, answering: Answering | Script, *answers: Sequence[str], raw: bool = False,
    url: str = "http://shop.example/login", within_s: float = 5.0,
) -> tuple[Taken, int]:  # fmt: skip
    """What was found at the address, and how many requests its server got."""
    if raw:
        with talker(cast("Script", answering)) as there:
            snapshots = Snapshots(
                folder=folder, guard=guard(there.port, *answers), within_s=within_s
            )
            [taken] = snapshots.take(report(url))
            return taken, there.connections
    with receiver(cast("Answering", answering)) as here:
        snapshots = Snapshots(folder=folder, guard=guard(here.port, *answers), within_s=within_s)
        [taken] = snapshots.take(report(url))
        return taken, len(here.seen)


def redirecting(to: str) -> Answering:
    return lambda handler: (
        handler.answer(302, Location=to)
        if handler.path == "/login"
        else handler.answer(200, PAGE, **HTML)
    )


def test_a_page_is_kept_as_evidence_with_its_title_and_its_text(folder: Path) -> None:
    taken, _ = looked(folder, always(200, PAGE, **HTML))
    digest = hashlib.sha256(PAGE).hexdigest()
    assert (taken.status, taken.problem, taken.size, taken.digest, taken.cut) == (
        200, None, len(PAGE), digest, False,
    )  # fmt: skip
    assert (taken.title, taken.text) == ("Sign in", "Bank & more")
    kept = evidence.kept(folder, digest)
    assert kept is not None
    assert kept.read_bytes() == PAGE


class Pictures(Screenshots):
    """Takes the same picture of each page; `pages`: those that it was given."""

    made = Screenshot(png=b"\x89PNG a picture")
    pages: ClassVar[list[Page]] = []

    def take(self, page: Page, guard: Guard) -> Screenshot:
        """Take none."""
        assert guard is not None
        self.pages.append(page)
        return self.made


class Failing(Pictures):
    """Fails."""

    made = Screenshot(reason="slow")


@pytest.mark.parametrize("pictures", [Pictures(), Failing(), None])
def test_the_picture_of_a_page_is_evidence_too_and_without_one_there_is_a_reason(
    folder: Path, pictures: Pictures | None
) -> None:
    with receiver(always(404, PAGE, **HTML)) as there:
        own = Snapshots(folder=folder, guard=guard(there.port), screenshots=lambda: pictures)
        [taken] = own.take(report("http://shop.example/login"))
    assert (taken.status, taken.title, taken.digest is None) == (404, "Sign in", False)
    if pictures is None:
        assert (taken.screenshot, taken.no_screenshot) == (None, None)
        return
    assert taken.no_screenshot == pictures.made.reason
    assert (pictures.pages[-1].body, pictures.pages[-1].status) == (PAGE, 404)
    if pictures.made.png is None:
        assert taken.screenshot is None
        return
    assert taken.screenshot == hashlib.sha256(pictures.made.png).hexdigest()
    kept = evidence.kept(folder, taken.screenshot)
    assert kept is not None
    assert kept.read_bytes() == pictures.made.png


def test_a_page_is_asked_for_by_a_bare_get(folder: Path) -> None:
    with receiver(always(200, PAGE, Set_Cookie="a=b")) as there:
        own = Snapshots(folder=folder, guard=guard(there.port))
        for _ in range(2):
            own.take(report("http://shop.example/路?q=一#part"))
    for seen in there.seen:
        assert (seen.method, seen.body, seen.path) == ("GET", b"", "/%E8%B7%AF?q=%E4%B8%80")
        assert not {"cookie", "authorization", "referer"} & set(seen.headers)


def test_three_addresses_on_candidate_sites_are_looked_at_and_no_others() -> None:
    urls = [f"http://www.shop.example/{n}" for n in range(5)]
    others = [
        "http://other.example/", "http://shop.example.evil.test/", "ftp://shop.example/",
        "http://user@shop.example/",
    ]  # fmt: skip
    assert taking.addresses(report(*others, urls[0], *urls)) == urls[:3]


def test_nothing_is_fetched_for_a_report_that_may_show_child_abuse(folder: Path) -> None:
    with receiver(always(200, PAGE)) as there:
        own = Snapshots(folder=folder, guard=guard(there.port), screenshots=Pictures)
        Pictures.pages.clear()
        assert own.take(report("http://shop.example/", sealed=True)) == []
    assert (there.seen, Pictures.pages) == ([], [])


@pytest.mark.parametrize(
    ("change", "is_for"),
    [
        ({}, True), ({"state": "logged"}, True), ({"state": "dismissed"}, False),
        ({"state": "unreadable"}, False), ({"standing": "blocked"}, False),
        ({"standing": "muted"}, True), ({"sealed": True}, False),
    ],
)  # fmt: skip
def test_a_daemon_looks_only_where_nobody_forbids_it(change: dict[str, Any], is_for: bool) -> None:
    assert taking.is_for_duty(report("http://shop.example/", **change)) is is_for


@pytest.mark.parametrize("address", ["10.0.0.7", METADATA, LOOPBACK, "::1", "fd00::1"])
def test_a_name_with_an_address_that_is_not_public_is_not_asked(folder: Path, address: str) -> None:
    taken, requests = looked(folder, always(200, PAGE), [PUBLIC, address])
    assert (taken.problem, taken.status, taken.digest, requests) == (
        "forbidden_target", None, None, 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    "to",
    [
        f"http://{METADATA}/latest/meta-data/", "http://other.example/", "file:///etc/passwd",
        "http://a:b@shop.example/", "//login.other.example/", "http://[",
    ],
)  # fmt: skip
def test_a_redirect_to_another_host_is_noted_and_not_followed(folder: Path, to: str) -> None:
    taken, requests = looked(folder, redirecting(to))
    assert (taken.status, taken.problem, requests) == (302, "redirect_elsewhere", 1)


def test_a_redirect_within_the_site_is_checked_again(folder: Path) -> None:
    to = "http://www.shop.example/in"
    taken, requests = looked(folder, redirecting(to))
    assert (taken.final, taken.status, requests) == (to, 200, 2)
    # The name leads to the metadata service by then.
    taken, requests = looked(folder, redirecting(to), [PUBLIC], [METADATA])
    assert (taken.final, taken.status, taken.problem, requests) == (
        to, 302, "forbidden_target", 1,
    )  # fmt: skip


def test_the_address_that_was_checked_is_the_one_that_is_asked(folder: Path) -> None:
    # A second answer would lead to this machine; nobody asks for it.
    taken, requests = looked(folder, always(200, PAGE, **HTML), [PUBLIC], [LOOPBACK])
    assert (taken.status, requests) == (200, 1)


def test_a_chain_of_redirects_has_an_end(folder: Path) -> None:
    taken, requests = looked(folder, always(302, Location="/login"))
    assert (taken.problem, requests) == ("redirects", 4)


def test_of_an_endless_page_two_mebibytes_are_kept(folder: Path) -> None:
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.end_headers()
        piece = b"x " * 32_768
        while True:
            handler.wfile.write(piece)

    taken, _ = looked(folder, endless)
    assert (taken.status, taken.size, taken.cut) == (200, MAX_BYTES, True)
    assert len(taken.text) == 20_000


@pytest.mark.parametrize(
    "script",
    [silent, dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n", b"x")],
    ids=["silent", "slow"],
)
def test_a_server_that_takes_its_time_is_left(folder: Path, script: Script) -> None:
    taken, _ = looked(folder, script, raw=True, within_s=0.3)
    assert (taken.problem, taken.digest) == ("timeout", None)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_a_bomb_is_unpacked_as_far_as_a_page_may_go(folder: Path, packing: str) -> None:
    pack = gzip.compress if packing == "gzip" else zlib.compress
    bomb = pack(b"a" * (200 << 20))
    taken, _ = looked(folder, always(200, bomb, Content_Encoding=packing, **HTML), within_s=30.0)
    assert (taken.size, taken.cut, len(taken.text)) == (MAX_BYTES, True, 20_000)


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("text/html; charset=utf-8", "<title>赌博</title>点击".encode("gb18030")),
        ("text/html; charset=x-nonsense", "<title>赌博</title>点击".encode()),
        ("text/html", '<meta charset="gb2312"><title>赌博</title>点击'.encode("gb18030")),
        ("", "<title>赌博</title>点击".encode()),
    ],
    ids=["wrong", "unknown", "of the page", "none"],
)
def test_a_page_is_read_in_its_charset_whatever_its_server_says(
    folder: Path, said: str, body: bytes
) -> None:
    more = {"Content_Type": said} if said else {}
    taken, _ = looked(folder, always(200, body, **more))
    assert (taken.title, taken.text) == ("赌博", "点击")


def test_a_title_of_four_mebibytes_is_cut(folder: Path) -> None:
    taken, _ = looked(folder, always(200, b"<title>" + b"t" * (4 << 20), **HTML))
    assert (len(taken.title), taken.text, taken.cut) == (300, "", True)


def test_of_what_is_no_text_the_bytes_are_kept_alone(folder: Path) -> None:
    body = b"\x89PNG\r\n\x1a\n" + b"\0" * 100
    taken, _ = looked(folder, always(200, body, Content_Type="image/png"))
    assert (taken.text, taken.title, taken.unread, taken.kind) == ("", "", "kind", "image/png")
    assert evidence.kept(folder, hashlib.sha256(body).hexdigest()) is not None


def test_a_text_shows_no_characters_that_turn_it_around(folder: Path) -> None:
    body = "<title>a\u202eb</title>c\u0007d"
    taken, _ = looked(folder, always(200, body.encode(), **HTML))
    assert (taken.title, taken.text) == ("a\ufffdb", "c\ufffdd")


def test_an_empty_page_and_an_answer_that_is_no_http_are_told_as_they_are(folder: Path) -> None:
    taken, _ = looked(folder, always(204))
    assert (taken.status, taken.size, taken.digest, taken.problem) == (204, 0, None, None)
    taken, _ = looked(folder, saying(b"SSH-2.0-x\r\n\r\n"), raw=True)
    assert (taken.status, taken.problem) == (None, "bad_answer")
