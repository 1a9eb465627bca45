"""The source of a report in the console: shown as text, redrawn, or sealed."""

from __future__ import annotations

import io
from datetime import timedelta
from email.message import EmailMessage
from hashlib import sha256
from typing import Any

import pytest
from PIL import Image

from incidents.audit.replay import Replay
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.inbox import erasable_reports
from incidents.store.inbox import reports as store
from tests.console.test_reports_pages import receive
from tests.served_desk import HOSTILE, ConsoleDesk, Visitor

NAMES = ("../../x.png", "x\r\nSet-Cookie: a=b.png", "a\u202egpj.exe", HOSTILE)


def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(made, "PNG")
    return made.getvalue()


def mail(subject: str = "phishing", *files: tuple[bytes, str, str], html: str = "") -> bytes:
    made = EmailMessage()
    made["From"], made["Subject"], made["X-Note"] = "a@user.example", subject, HOSTILE
    made.set_content("see http://shop.example/x\n")
    if html:
        made.add_attachment(html.encode(), maintype="text", subtype="html", filename="x.html")
    for content, type_, name in files:
        main, _, sub = type_.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename="NAME")
        [*_, part] = made.iter_attachments()
        part.set_param("filename", name, "Content-Disposition", charset="utf-8", replace=True)
    return made.as_bytes()


@pytest.fixture
def desk(desk: ConsoleDesk) -> ConsoleDesk:
    """One site."""
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    return desk


def reveals(desk: ConsoleDesk) -> list[Any]:
    return [each["data"]["about"] for each in desk.entries("details_revealed")]


def test_the_source_is_beside_what_was_read_for_those_who_may_see_it(desk: ConsoleDesk) -> None:
    receive(desk, mail("phishing", (b"a,b\n", "text/csv", "x.csv")))
    page = Visitor(desk, "li").get("/reports/r1").text
    assert "<dt><bdi>X-Note</bdi></dt>" in page
    assert "see http://shop.example/x" in page
    assert sha256(b"a,b\n").hexdigest() in page
    assert "/reports/r1/attachments/1/view" in page
    vera = Visitor(desk, "vera").get("/reports/r1").text
    assert "Your role does not see the source of a report." in vera
    assert "see http" not in vera
    assert "attachments" not in vera
    assert reveals(desk) == []


def test_nothing_of_the_sender_is_markup_and_no_name_misleads(desk: ConsoleDesk) -> None:
    files = [(picture(), "image/png", name) for name in NAMES]
    receive(desk, mail(HOSTILE, *files, html=f"<p>page</p>{HOSTILE}"))
    li = Visitor(desk, "li")
    page = li.get("/reports/r1").text
    for n in range(1, 2 + len(NAMES)):
        page += li.get(f"/reports/r1/attachments/{n}/view").text if n == 1 else ""
        answer = li.get(f"/reports/r1/attachments/{n}")
        assert answer.headers["content-disposition"] == f'attachment; filename="r1-{n}.bin"'
        assert "set-cookie" not in answer.headers
    assert "<script>document.title" not in page
    assert "<img src=x" not in page
    assert "\u202e" not in page


def test_a_picture_is_redrawn_and_each_viewing_is_on_record(desk: ConsoleDesk) -> None:
    receive(desk, mail("phishing", (picture(), "image/png", "x.png")))
    li = Visitor(desk, "li")
    page = li.get("/reports/r1/attachments/1/view").text
    assert '<img class="redrawn" src="/reports/r1/attachments/1/picture"' in page
    assert reveals(desk) == []
    answer = li.get("/reports/r1/attachments/1/picture")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'inline; filename="r1-1.png"'
    assert Image.open(io.BytesIO(answer.content)).size == (40, 20)
    assert reveals(desk) == ["r1/1"]
    assert li.get("/reports/r1/attachments/1").content == picture()
    assert reveals(desk) == ["r1/1", "r1/1"]
    for path in ("view", "picture"):
        vera = Visitor(desk, "vera").get(f"/reports/r1/attachments/1/{path}")
        assert vera.status_code == 403
    assert li.get("/reports/r1/attachments/2/view").status_code == 404


@pytest.mark.parametrize(
    ("content", "type_", "says"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "this kind of file"),
        (b"no picture", "image/png", "this is not a picture"),
        (b"PK\x03\x04", "application/zip", "this kind of file"),
    ],
)  # fmt: skip
def test_what_cannot_be_shown_says_why_and_can_be_downloaded(
    desk: ConsoleDesk, content: bytes, type_: str, says: str
) -> None:
    receive(desk, mail("phishing", (content, type_, "x")))
    page = Visitor(desk, "li").get("/reports/r1/attachments/1/view").text
    assert says in page
    assert 'href="/reports/r1/attachments/1" download' in page
    assert Visitor(desk, "li").get("/reports/r1/attachments/1/picture").status_code == 404
    assert reveals(desk) == []


def test_what_may_show_child_abuse_has_no_preview_and_no_text(desk: ConsoleDesk) -> None:
    receive(desk, mail("CSAM found", (picture(), "image/png", "a telling name.png")))
    for who in ("li", "wang", "adam", "vera"):
        visitor = Visitor(desk, who)
        page = visitor.get("/reports/r1").text
        assert "This report may show child abuse." in page, who
        assert "see http" not in page, who
        assert "a telling name" not in page, who
        assert "/view" not in page, who
        assert ("/source/open" in page) == (who in ("wang", "adam")), who
        for path in (
            "source",
            "attachments/1",
            "attachments/1/view",
            "attachments/1/picture",
        ):
            assert visitor.get(f"/reports/r1/{path}").status_code == 403, (who, path)
    assert reveals(desk) == []
    zh = Visitor(desk, "li", "zh").get("/reports/r1").text
    assert "可能涉及儿童性侵害内容" in zh


def test_a_supervisor_opens_it_for_a_reason_that_is_on_record(desk: ConsoleDesk) -> None:
    raw = mail("CSAM found", (picture(), "image/png", "x.png"))
    receive(desk, raw)
    wang = Visitor(desk, "wang")
    without = wang.post("/reports/r1/source/open")
    assert without.status_code == 403
    assert "Give the reason for opening it." in without.text
    assert wang.post("/reports/r1/source/open", {"reason": "police 4711"}).content == raw
    part = wang.post("/reports/r1/attachments/1/open", {"reason": "police 4711"})
    assert part.content == picture()
    assert part.headers["content-disposition"].startswith("attachment")
    opened = desk.entries("sealed_opened")
    assert [(e["actor"], e["data"]["about"]) for e in opened] == [("wang", "r1"), ("wang", "r1/1")]
    assert "police 4711" not in str(opened)
    assert "police 4711" in wang.get("/audit").text
    assert Visitor(desk, "li").post("/reports/r1/source/open", {"reason": "x"}).status_code == 403
    with desk.app.reading() as connection:
        assert list(Replay(connection).findings()) == []


def test_who_confirmed_their_password_long_ago_is_asked_for_it(desk: ConsoleDesk) -> None:
    receive(desk, mail("CSAM found"))
    wang = Visitor(desk, "wang")
    desk.ahead += timedelta(minutes=6)
    asked = wang.post("/reports/r1/source/open", {"reason": "police"})
    assert 'name="password"' in asked.text
    assert desk.entries("sealed_opened") == []


def test_the_same_bytes_are_sealed_as_evidence(desk: ConsoleDesk) -> None:
    raw = mail("CSAM found")
    receive(desk, raw)
    li, wang = Visitor(desk, "li"), Visitor(desk, "wang")
    li.post("/reports/r1/log", {"site": "shop.example", "category": "other"})
    path = f"/incidents/1-1/evidence/{sha256(raw).hexdigest()}"
    assert "May show child abuse: this file is sealed." in li.get("/incidents/1-1").text
    assert path not in li.get("/incidents/1-1").text
    assert li.post(path).status_code == 403
    assert li.post(path, {"reason": "curious"}).status_code == 403
    without = wang.post(path)
    assert without.status_code == 409
    assert "Give the reason for opening it." in without.text
    assert wang.post(path, {"reason": "police"}).content == raw
    [opened] = desk.entries("sealed_opened")
    assert (opened["data"]["about"], opened["data"]["digest"]) == ("1-1", sha256(raw).hexdigest())
    assert reveals(desk) == []


def test_all_evidence_of_an_incident_of_that_category_is_sealed_wherever_it_is(
    desk: ConsoleDesk,
) -> None:
    li = Visitor(desk, "li")
    desk.do("shop.example", c.Log(by="li", category="child_abuse"))
    desk.do("shop.example", c.Log(by="li", category="phishing", again=True))
    for incident in ("1-1", "1-2"):
        li.post(f"/incidents/{incident}/attach", file=("x.png", picture()))
    digest = sha256(picture()).hexdigest()
    for incident in ("1-1", "1-2"):
        assert li.post(f"/incidents/{incident}/evidence/{digest}").status_code == 403, incident
    other = b"something else"
    li.post("/incidents/1-2/attach", file=("y.txt", other))
    free = li.post(f"/incidents/1-2/evidence/{sha256(other).hexdigest()}")
    assert free.content == other
    # Where it was not known that it is sealed, the form appears.
    asked = Visitor(desk, "wang").post(f"/incidents/1-2/evidence/{digest}")
    assert asked.status_code == 409
    assert 'name="reason"' in asked.text
    assert reveals(desk) == ["1-2"]


def test_a_file_of_an_incident_of_that_category_is_sealed_in_any_report(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    desk.do("shop.example", c.Log(by="li", category="child_abuse"))
    li.post("/incidents/1-1/attach", file=("x.png", picture()))
    receive(
        desk, mail("phishing", (picture(), "image/png", "y.png"), (b"a,b\n", "text/csv", "x.csv"))
    )
    for path in ("attachments/1", "attachments/1/view", "attachments/1/picture"):
        assert li.get(f"/reports/r1/{path}").status_code in (403, 409), path
    assert li.get("/reports/r1/attachments/2").content == b"a,b\n"
    assert reveals(desk) == ["r1/2"]


def test_a_report_without_its_bytes_says_so(desk: ConsoleDesk) -> None:
    receive(desk, mail())
    digest = sha256(mail()).hexdigest()
    folder = desk.app.settings.evidence
    (folder / digest[:2] / digest).unlink()
    page = Visitor(desk, "li").get("/reports/r1").text
    assert "the bytes of the report are no longer kept here" in page
    assert "see http://shop.example/x" in page


def test_it_stays_sealed_after_what_was_read_is_erased(desk: ConsoleDesk) -> None:
    receive(desk, mail("CSAM found"), mail("phishing"))
    with writing(desk.app.engine) as connection:
        rows = store.named(connection, [1, 2])
        erasable_reports.forget(connection, [row.reading for row in rows.values()])
        rows = store.named(connection, [1, 2])
    assert [rows[n].category for n in (1, 2)] == ["child_abuse", None]
    assert Visitor(desk, "li").get("/reports/r1/source").status_code == 403
    assert Visitor(desk, "li").get("/reports/r2/source").status_code == 200
