"""The whole way of a report: a mail server, a daemon, a browser, the customer, and the proof.

Each chapter is a function that is given the story as it is by then, and leaves it further on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from incidents.machine import commands as c
from incidents.record import evidence
from tests.acceptance.daemons import Daemon, daemon, incidents
from tests.browser import Chromium
from tests.dovecot import Dovecot, dovecot
from tests.inbox.test_samples import FOLDER
from tests.patience import until
from tests.served_desk import ConsoleDesk, act, open_desk, person, serving

SITE = "shop.example"
MAIL = (FOLDER / "arf-abuse.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
DIGEST = hashlib.sha256(MAIL).hexdigest()


@dataclass
class Story:
    """A desk that is served, its mailbox, its daemon, and the browser of its operator."""

    url: str
    desk: ConsoleDesk
    mailbox: Dovecot
    daemon: Daemon
    page: Page
    folder: Path

    def run(self, *words: str) -> str:
        """What a command of the desk's own machine answers."""
        return str(incidents(self.url, *words).stdout)


@pytest.fixture
def story(
    browser: Chromium, db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    with (
        dovecot() as mailbox,
        open_desk(db_url, tmp_path, mailbox.settings(), as_=ConsoleDesk) as desk,
        serving(desk),
    ):
        incidents(db_url, "audit", "key", "new", "desk.example/log")
        desk.do(SITE, c.AddSite(by="wang", person="张三", phone="+86 10 5555 0100"))
        with daemon(db_url, tmp_path) as running, person(browser, desk, "li", "/reports") as page:
            yield Story(db_url, desk, mailbox, running, page, tmp_path)


def a_mail_arrives(story: Story) -> None:
    """The daemon waits in IDLE when it comes; the mail is on record, and then moved."""
    until(lambda: "Logged in" in story.mailbox.log(), "the daemon waits for mails")
    story.mailbox.deliver(MAIL, flags=[rb"\Seen"])
    story.daemon.says("reports were received")
    until(lambda: not story.mailbox.mails(), "the mail is moved")
    assert story.mailbox.mails("Taken") == [(MAIL, ["\\Seen"])]


def it_is_triaged(story: Story) -> None:
    """The report is looked at, and logged as a violation of the site."""
    page = story.page
    page.reload()
    page.locator("a[href='/reports/r1']").first.click()
    expect(page.locator("#h-read ~ dl")).to_contain_text(DIGEST)
    expect(page.locator("main")).to_contain_text("http://shop.example/win.html")
    act(page, "log", site=SITE)
    page.goto(f"{story.desk.url}/incidents/1-1")
    expect(page.locator("main")).to_contain_text("http://shop.example/win.html")


def the_customer_is_called(story: Story) -> None:
    act(story.page, "contact", outcome="reached")
    [incident] = story.desk.site(SITE)["incidents"]
    assert [(each["outcome"], each["by"]) for each in incident["contacts"]] == [("reached", "li")]


def the_content_is_removed(story: Story) -> None:
    act(story.page, "removed")
    [incident] = story.desk.site(SITE)["incidents"]
    assert incident["state"] == "removed"


def proved(story: Story, name: str, *more: str) -> list[dict[str, Any]]:
    """The entries of a bundle that somebody else finds right, by the key of the log."""
    bundle = story.folder / name
    story.run("audit", "checkpoint")
    story.run("audit", "export", "--format", "bundle", "-o", str(bundle), *more)
    key = story.run("audit", "key", "show", "-q").strip()
    story.run("audit", "verify", str(bundle), "--key", key)
    return [json.loads(line) for line in (bundle / "entries.jsonl").read_text().splitlines()]


def of_kind(entries: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    [found] = [entry for entry in entries if entry["kind"] == kind]
    return found


def it_is_proved_which_mail_led_to_which_act(story: Story) -> None:
    entries = proved(story, "whole")
    steps = ("report_received", "incident_logged", "evidence_attached", "report_logged")
    received, logged, attached, settled = (of_kind(entries, kind) for kind in steps)
    assert (received["data"]["digest"], received["data"]["channel"]) == (DIGEST, "imap")
    assert settled["data"] | {"report": 1, "about": "1-1"} == settled["data"]
    assert received["data"]["report"] == settled["data"]["report"]
    assert attached["data"]["digest"] == DIGEST
    assert [each["actor"] for each in (received, logged, settled)] == ["daemon", "li", "li"]
    kept = evidence.kept(story.desk.app.settings.evidence, DIGEST)
    assert kept is not None
    assert kept.read_bytes() == MAIL

    # The customer's own case names the mail, and what was done because of it, too.
    case = proved(story, "case", "--site", SITE)
    kinds = [entry["kind"] for entry in case]
    acts = ["incident_logged", "evidence_attached", "contact_recorded", "incident_removed"]
    assert [kind for kind in kinds if kind in acts] == acts
    assert of_kind(case, "evidence_attached")["data"]["digest"] == DIGEST


def test_from_a_mail_to_the_removal_and_the_proof(story: Story) -> None:
    a_mail_arrives(story)
    it_is_triaged(story)
    the_customer_is_called(story)
    the_content_is_removed(story)
    it_is_proved_which_mail_led_to_which_act(story)
    assert story.daemon.stop() == 0
