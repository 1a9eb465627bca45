"""What was found at the addresses of a report, on the report's page."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from incidents import clock
from incidents.contract.documents.reports import ReportInFull
from incidents.desk.inbox import snapshots
from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.snapshots import taking
from incidents.inbox.snapshots.taking import Snapshots
from incidents.machine import commands as c
from incidents.record import streams
from tests.console.test_reports_pages import receive
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

URL = "http://shop.example/x"
MAIL = b"From: a@user.example\r\nSubject: %s\r\n\r\nsee http://shop.example/x\r\n"


def drawn(colour: str, size: tuple[int, int]) -> bytes:
    made, hidden = BytesIO(), PngInfo()
    hidden.add_text("Comment", "hidden")
    Image.new("RGB", size, colour).save(made, "PNG", pnginfo=hidden)
    return made.getvalue()


def look(desk: ConsoleDesk, *taken: Taken) -> None:
    """Put on record what a daemon found."""
    desk.app.desk.on_record(
        partial(
            snapshots.record, report=1, taken=taken, by="daemon", login=None,
            clock=clock.now,
        )
    )  # fmt: skip


def test_each_look_is_told_with_its_time_and_its_words_are_text(desk: ConsoleDesk) -> None:
    receive(desk, MAIL % b"phishing")
    li = Visitor(desk, "li")
    assert "Page at its addresses" not in li.get("/reports/r1").text
    page = Taken(
        url=URL, final=URL, status=200, size=9, digest="d" * 64, cut=True, title=HOSTILE,
        text=HOSTILE,
    )  # fmt: skip
    look(desk, page)
    look(desk, Taken(url=URL, final="http://evil.test/", status=302, problem="redirect_elsewhere"))
    shown = li.get("/reports/r1").text
    assert "a redirect to another host, not followed" in shown
    assert "<code>http://evil.test/</code>" in shown
    assert "the first 2 MiB" in shown
    assert "d" * 64 in shown
    assert "<script>document.title" not in shown
    assert "<img src=x" not in shown
    assert shown.index("302") < shown.index("d" * 64)


def test_of_what_may_show_child_abuse_no_word_of_a_page_is_shown(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    receive(desk, MAIL % b"phishing")
    look(desk, Taken(url=URL, final=URL, status=200, title="A title", text="Words of it"))
    li = Visitor(desk, "li")
    assert "Words of it" in li.get("/reports/r1").text
    # Nor by a role that may not see personal data.
    vera = Visitor(desk, "vera").get("/reports/r1").text
    assert "Page at its addresses" in vera
    assert "A title" not in vera
    assert "Words of it" not in vera
    li.post("/reports/r1/log", {"site": "shop.example", "category": "child_abuse"})
    shown = li.get("/reports/r1").text
    assert "Page at its addresses" in shown
    assert "A title" not in shown
    assert "Words of it" not in shown


def test_a_person_looks_again_and_sees_the_first_look_beside_the_last(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = iter([("Shop", "a" * 64), ("Removed", "b" * 64), ("Removed", "b" * 64)])

    def take(_: Snapshots, report: ReportInFull) -> list[Taken]:
        title, digest = next(pages)
        [url] = report["urls"]
        return [Taken(url=url, final=url, status=200, size=9, digest=digest, title=title)]

    monkeypatch.setattr(Snapshots, "take", take)
    receive(desk, MAIL % b"phishing")
    li, vera = Visitor(desk, "li"), Visitor(desk, "vera")
    assert "Look at the page" not in li.get("/reports/r1").text
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    assert "Look at the page" in li.get("/reports/r1").text
    assert "Look at the page" not in vera.get("/reports/r1").text
    li.post("/reports/r1/retest")
    shown = li.get("/reports/r1").text
    assert "The pages of r1 were looked at." in shown
    assert "Look at the page again" in shown
    assert "The page has changed." not in shown
    li.post("/reports/r1/retest")
    shown = li.get("/reports/r1").text
    assert "The page has changed." in shown
    table = shown[shown.index('<table class="compared">') : shown.index("</table>")]
    assert table.index("Shop") < table.index("Removed")
    assert vera.post("/reports/r1/retest").status_code == 403
    assert len(desk.entries("report_snapshot")) == 2


def keep(desk: ConsoleDesk, content: bytes) -> str:
    """Keep the file as evidence, and return its digest."""
    folder = desk.app.settings.evidence
    return streams.keep(BytesIO(content), folder, limit=1 << 20, first=0).digest


def test_the_picture_of_a_page_is_shown_drawn_again_and_handed_out_on_record(
    desk: ConsoleDesk,
) -> None:
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    receive(desk, MAIL % b"phishing")
    raw = drawn("red", (1_280, 4_000))
    page = Taken(url=URL, final=URL, status=200, screenshot=keep(desk, raw))
    look(desk, page)
    look(desk, replace(page, screenshot=None, no_screenshot="slow"))
    look(desk, replace(page, screenshot=keep(desk, drawn("blue", (1_280, 800)))))
    li, vera = Visitor(desk, "li"), Visitor(desk, "vera")
    shown = li.get("/reports/r1").text
    for n in (1, 3):
        assert f'src="/reports/r1/snapshots/{n}/picture"' in shown
        assert f'href="/reports/r1/snapshots/{n}/screenshot" download' in shown
    assert "none: the page took too long to draw" in shown
    table = shown[shown.index('<table class="compared">') : shown.index("</table>")]
    assert table.index("/snapshots/1/picture") < table.index("/snapshots/3/picture")

    answer = li.get("/reports/r1/snapshots/1/picture")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert b"hidden" in raw
    assert b"hidden" not in answer.content
    with Image.open(BytesIO(answer.content)) as again:
        assert (again.size, again.convert("RGB").getpixel((9, 3_990))) == (
            (1_280, 4_000), (255, 0, 0),
        )  # fmt: skip
    assert desk.entries("details_revealed") == []
    answer = li.get("/reports/r1/snapshots/1/screenshot")
    assert answer.content == raw
    assert answer.headers["content-disposition"] == 'attachment; filename="r1-screenshot-1.png"'
    [entry] = desk.entries("details_revealed")
    assert entry["data"]["about"] == "r1/screenshot-1"

    # The incident's page shows them, too; a role without personal data sees none.
    li.post("/reports/r1/log", {"site": "shop.example"})
    shown = li.get("/incidents/1-1").text
    assert shown.index("/snapshots/1/picture") < shown.index("/snapshots/3/picture")
    for path in ("/reports/r1", "/incidents/1-1"):
        assert "/picture" not in vera.get(path).text
    for name in ("picture", "screenshot"):
        assert vera.get(f"/reports/r1/snapshots/1/{name}").status_code == 403
        for n in (2, 9):
            answer = li.get(f"/reports/r1/snapshots/{n}/{name}")
            assert answer.status_code == 404
            assert f"Report r1 has no screenshot {n}." in answer.text
    assert len(desk.entries("details_revealed")) == 1


def test_a_picture_that_is_sealed_or_erased_or_damaged_is_not_shown(desk: ConsoleDesk) -> None:
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    receive(desk, MAIL % b"phishing")
    page = Taken(url=URL, final=URL, status=200)
    digests = [keep(desk, b"no picture"), "d" * 64]
    look(desk, *(replace(page, screenshot=digest) for digest in digests))
    li = Visitor(desk, "li")
    shown = li.get("/reports/r1").text
    assert "/snapshots/1/picture" in shown
    assert "/snapshots/2/picture" not in shown
    assert digests[1] in shown
    for n, status in ((1, 404), (2, 422)):
        assert li.get(f"/reports/r1/snapshots/{n}/picture").status_code == status
    li.post("/reports/r1/log", {"site": "shop.example", "category": "child_abuse"})
    for path in ("/reports/r1", "/incidents/1-1"):
        assert "/snapshots/1/picture" not in li.get(path).text
    for name in ("picture", "screenshot"):
        assert li.get(f"/reports/r1/snapshots/1/{name}").status_code == 403
    assert desk.entries("details_revealed") == []


def test_a_report_without_an_address_here_is_told_so(desk: ConsoleDesk) -> None:
    receive(desk, MAIL % b"phishing")
    answer = Visitor(desk, "li").post("/reports/r1/retest")
    assert answer.status_code == 409
    assert "names no web address on a site" in answer.text


def test_the_page_of_an_incident_shows_the_last_look_and_looks_again_at_its_site_alone(
    desk: ConsoleDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[str] = []
    pages = iter([("Shop", "a" * 64), ("Removed", "b" * 64)])

    def take(_: Snapshots, report: ReportInFull) -> list[Taken]:
        title, digest = next(pages)
        looked_at.extend(taking.addresses(report))
        return [Taken(url=URL, final=URL, status=200, size=9, digest=digest, title=title)]

    monkeypatch.setattr(Snapshots, "take", take)
    for site in ("shop.example", "other.example"):
        desk.do(site, c.AddSite(by="li", phone="+86 10 5555 0100"))
    receive(desk, MAIL.replace(b"see", b"see http://other.example/y and") % b"phishing")
    li, vera = Visitor(desk, "li"), Visitor(desk, "vera")
    li.post("/reports/r1/log", {"site": "shop.example"})
    shown = li.get("/incidents/1-1").text
    assert "Look at the page" in shown
    assert "Look at the page" not in vera.get("/incidents/1-1").text
    assert vera.post("/incidents/1-1/retest").status_code == 403

    li.post("/incidents/1-1/retest")
    shown = li.get("/incidents/1-1").text
    assert "The pages of 1-1 were looked at." in shown
    assert "Shop" in shown
    assert "The page has changed." not in shown
    li.post("/incidents/1-1/retest")
    shown = li.get("/incidents/1-1").text
    assert "The page has changed." in shown
    assert shown.index("Shop") < shown.index("<bdi>Removed</bdi>")
    assert looked_at == [URL, URL]
    # Titles are not for a role that may not see personal data.
    shown = vera.get("/incidents/1-1").text
    assert "The page has changed." in shown
    assert "Removed" not in shown
    assert len(desk.entries("report_snapshot")) == 2
    assert desk.site("shop.example")["state"] == "active"


def test_an_incident_that_came_from_no_report_has_no_page_to_look_at(desk: ConsoleDesk) -> None:
    incident = desk.violation("shop.example", urls=(URL,))
    li = Visitor(desk, "li")
    assert "Look at the page" not in li.get(f"/incidents/{incident}").text
    answer = li.post(f"/incidents/{incident}/retest")
    assert answer.status_code == 409
    assert "No report of this incident names a web address on its site." in answer.text
