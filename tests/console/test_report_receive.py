"""Reports that somebody drops, chooses or pastes in the console."""

from typing import Any

from playwright.sync_api import expect

from incidents.machine import commands as c
from tests.browser import Chromium
from tests.inbox.test_samples import FOLDER
from tests.served_desk import ConsoleDesk, Visitor, person

ARF, XARF, DAMAGED = (
    (name, FOLDER.joinpath(name).read_bytes())
    for name in ("arf-abuse.eml", "xarf-v3.json", "damaged.zip")
)


def send(who: Visitor, fields: dict[str, str] | None = None, **files: Any) -> Any:
    """The page that the form leads to."""
    return who.get(who.post("/reports/receive", fields, **files).headers["location"])


def test_one_file_is_kept_as_it_came_and_its_page_is_shown(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    page = send(li, file=ARF)
    assert page.url.path == "/reports/r1"
    assert "Reports received: 1." in page.text
    assert "fbl@mail.example" in page.text
    assert li.get("/reports/r1/source").content == ARF[1]


def test_a_pasted_text_is_a_report_and_the_same_text_again_is_the_same_one(
    desk: ConsoleDesk,
) -> None:
    li = Visitor(desk, "li")
    text = "Phishing at hxxp://shop[.]example/login since this morning"
    assert "hxxp://shop[.]example" in send(li, {"text": text}).text
    again = send(li, {"text": text}).text
    assert "Reports received: 0. Received before: 1." in again
    assert "Settled" not in again

    li.post("/reports/r1/dismiss", {"reason": "gone"})
    again = send(li, {"text": text}).text
    assert "Received before: 1. Settled already: r1." in again


def test_several_files_are_as_many_reports_and_what_cannot_be_read_is_said(
    desk: ConsoleDesk,
) -> None:
    li = Visitor(desk, "li")
    page = send(li, file=[ARF, XARF, DAMAGED])
    assert page.url.path == "/reports"
    said = "Reports received: 3. Cannot be read, and wait for the desk: 1."
    assert said in page.text


def test_nothing_at_all_is_refused_with_the_way_out(desk: ConsoleDesk) -> None:
    page = send(Visitor(desk, "li"), {"text": "  "})
    assert page.url.path == "/reports"
    assert "drop or choose a file, or paste the text" in page.text
    assert 'id="act-receive" open' in page.text


def test_an_empty_file_is_refused_by_its_name(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "li")
    assert "cut.eml is empty, so nothing was kept" in send(li, file=[ARF, ("cut.eml", b"")]).text
    assert "cut.eml 为空" in send(Visitor(desk, "li", "zh"), file=("cut.eml", b"")).text
    assert "/reports/r1" not in li.get("/reports").text


def test_who_may_not_receive_reports_is_shown_no_form_and_is_refused(desk: ConsoleDesk) -> None:
    viewer = Visitor(desk, "viewer")
    assert 'id="act-receive"' not in viewer.get("/reports").text
    assert viewer.post("/reports/receive", {"text": "a"}).status_code == 403


def test_a_dropped_mail_is_triaged_by_keys_alone(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    with person(browser, desk, "li") as li:
        li.goto(f"{desk.url}/reports")
        li.locator("#act-receive > summary").click()
        # What is dropped on a file input is what is chosen in it.
        li.locator("#act-receive input[type=file]").set_input_files(
            {"name": ARF[0], "mimeType": "message/rfc822", "buffer": ARF[1]}
        )
        expect(li.locator("#act-receive .chosen-file")).to_have_text(ARF[0])
        li.locator("#act-receive button.main").click()
        li.wait_for_url("**/reports/r1")
        li.locator("h1").click()
        li.keyboard.press("d")
        expect(li.locator("#act-dismiss textarea")).to_be_focused()
        li.locator("h1").click()
        li.keyboard.press("t")
        expect(li.locator("#act-join input[name=incident]")).to_be_focused()
        expect(li.locator("#act-dismiss")).not_to_have_attribute("open", "")
        li.locator("h1").click()
        # Its only candidate is the site: nothing is left to be typed.
        li.keyboard.press("l")
        expect(li.locator("#act-log button")).to_be_focused()
        li.keyboard.press("Enter")
        li.wait_for_url("**/incidents/1-1")


def test_a_suggested_incident_is_focused_to_be_typed_over(
    browser: Chromium, served_desk: ConsoleDesk
) -> None:
    desk = served_desk
    desk.do("shop.example", c.AddSite(by="li", phone="+86 10 5555 0100"))
    desk.do("shop.example", c.Log(by="li"))
    send(Visitor(desk, "li"), file=ARF)
    with person(browser, desk, "li") as li:
        li.goto(f"{desk.url}/reports/r1")
        li.locator("h1").click()
        li.keyboard.press("t")
        field = li.locator("#act-join input[name=incident]")
        expect(field).to_have_value("1-1")
        expect(field).to_be_focused()
        li.keyboard.type("1-2")
        expect(field).to_have_value("1-2")
