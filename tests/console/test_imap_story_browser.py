"""The whole way of a report: its mail, a daemon, a browser, customer, reporter, and the proof.

Each chapter is a function that is given the story as it is by then, and leaves it further on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from incidents.machine import commands as c
from incidents.record import evidence
from incidents.store import entries as store
from incidents.store.inbox import answers
from tests.acceptance.daemons import Daemon, daemon, incidents
from tests.browser import Chromium
from tests.dovecot import Dovecot, dovecot
from tests.inbox.test_samples import FOLDER
from tests.notices.mail_server import HOST, Mailbox, body, server
from tests.patience import until
from tests.served_desk import ConsoleDesk, act, open_desk, person, serving

SITE = "shop.example"
PERSON, PHONE = "张三", "+86 10 5555 0100"
REPORTER, MESSAGE_ID = "fbl@mail.example", "<complaint-7@mail.example>"
_SAMPLE = (FOLDER / "arf-abuse.eml").read_bytes().replace(b"\r\n", b"\n")
MAIL = (f"Message-ID: {MESSAGE_ID}\n".encode() + _SAMPLE).replace(b"\n", b"\r\n")
DIGEST = hashlib.sha256(MAIL).hexdigest()
_SETTINGS = """
[inbox]
receipts = true
outcomes = true
{imap}
[notices]
channels = ["mail"]
desk_name = "Example Hosting"
desk_mail = "desk@host.example"
languages = ["en"]
[notices.mail]
type = "smtp"
host = "{host}"
port = {port}
security = "none"
sender = "desk@host.example"
"""


@dataclass
class Story:
    """A desk that is served, its mailbox, its daemon, its operator's browser, and its reporter."""

    url: str
    desk: ConsoleDesk
    mailbox: Dovecot
    daemon: Daemon
    page: Page
    folder: Path
    reporter: Mailbox
    letters: list[EmailMessage] = field(default_factory=list)
    """What the reporter has read so far."""

    def run(self, *words: str) -> str:
        """What a command of the desk's own machine answers."""
        return str(incidents(self.url, *words).stdout)


@pytest.fixture
def story(
    browser: Chromium, db_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Story]:
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    reporter = Mailbox()
    with (
        dovecot() as mailbox,
        server(reporter) as port,
        open_desk(
            db_url, tmp_path, _SETTINGS.format(imap=mailbox.settings(), host=HOST, port=port),
            as_=ConsoleDesk,
        ) as desk,
        serving(desk),
    ):  # fmt: skip
        incidents(db_url, "audit", "key", "new", "desk.example/log")
        desk.do(SITE, c.AddSite(by="wang", person=PERSON, phone=PHONE))
        with daemon(db_url, tmp_path) as running, person(browser, desk, "li", "/reports") as page:
            yield Story(db_url, desk, mailbox, running, page, tmp_path, reporter)


def answers_reporters(story: Story) -> bool:
    """Whether the daemon has noted the place from which on it answers reporters."""
    with story.desk.app.reading() as connection:
        return answers.PLACE.read(connection)[0] is not None


def a_mail_arrives(story: Story) -> None:
    """The daemon waits in IDLE when it comes; the mail is on record, and then moved."""
    until(lambda: "Logged in" in story.mailbox.log(), "the daemon waits for mails")
    until(lambda: answers_reporters(story), "the daemon answers what comes from now on")
    story.mailbox.deliver(MAIL, flags=[rb"\Seen"])
    story.daemon.says("reports were received")
    until(lambda: not story.mailbox.mails(), "the mail is moved")
    assert story.mailbox.mails("Taken") == [(MAIL, ["\\Seen"])]


def reads(story: Story, subject: str) -> EmailMessage:
    """The next mail to the reporter: an answer of a program, which says nothing of the customer."""
    read = len(story.letters)
    until(lambda: len(story.reporter.got) > read, f"the reporter reads {subject!r}")
    [sent], [mail] = story.reporter.got[read:], story.reporter.mails[read:]
    token = r"\[incidents r1-[a-z2-7]{16}\]"
    assert re.fullmatch(f"{re.escape(subject)} {token}", mail["subject"])
    assert (sent.mail_from in ("", "<>"), sent.rcpt_tos) == (True, [REPORTER])
    assert mail["auto-submitted"] == "auto-replied"
    assert (mail["in-reply-to"], mail["references"]) == (MESSAGE_ID, MESSAGE_ID)
    text = "\n".join([*map(str, mail.values()), body(mail, "plain"), body(mail, "html")])
    for secret in (PERSON, PHONE, PHONE[-9:], SITE, "1-1"):
        assert secret not in text
    # A mail is sent before it is on record: the next act is not to come between.
    until(lambda: len(on_record(story)) > read, "the mail is on record")
    return mail


def on_record(story: Story) -> list[answers.Answer]:
    """The mails to the reporter that are on record."""
    with story.desk.app.reading() as connection:
        return answers.told(connection, [1])


def the_reporter_reads_the_receipt(story: Story) -> None:
    story.letters.append(reads(story, "We received your report r1"))


def the_reporter_reads_that_the_desk_acts(story: Story) -> None:
    story.letters.append(reads(story, "We act on your report r1"))


def the_reporter_reads_that_it_is_settled(story: Story) -> None:
    """The last mail of three, which are in one thread, by the token of the first."""
    story.letters.append(reads(story, "Your report r1 is settled"))
    assert len({each["subject"].rpartition(" [")[2] for each in story.letters}) == 1


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
    assert "reporter_answered" not in kinds


def it_is_proved_what_the_reporter_was_told_and_when(story: Story) -> None:
    """Each mail is on record after the act that it tells of; the address is sealed."""
    entries = proved(story, "told")
    acts = ("report_received", "report_logged", "incident_removed")
    order = [each["kind"] for each in entries if each["kind"] in (*acts, "reporter_answered")]
    assert order == [kind for act_ in acts for kind in (act_, "reporter_answered")]
    answered = [each for each in entries if each["kind"] == "reporter_answered"]
    letters = [(each["data"]["report"], each["data"]["letter"]) for each in answered]
    assert letters == [(1, "receipt"), (1, "acted"), (1, "ended")]
    assert {each["actor"] for each in answered} == {"daemon"}
    assert [(each["letter"], each["told_at"], each["problem"]) for each in told(story)] == [
        (each["data"]["letter"], each["occurred_at"], None) for each in answered
    ]
    addresses = {each["data"]["text"] for each in answered}
    with story.desk.app.reading() as connection:
        assert set(store.values(connection, addresses).values()) == {REPORTER}
    assert REPORTER not in json.dumps(entries)


def told(story: Story) -> list[Any]:
    """What the reporter was told, as the desk's own machine shows it."""
    return list(json.loads(story.run("report", "show", "r1", "--json"))["told"])


def test_from_a_mail_to_the_removal_and_the_proof(story: Story) -> None:
    a_mail_arrives(story)
    the_reporter_reads_the_receipt(story)
    it_is_triaged(story)
    the_reporter_reads_that_the_desk_acts(story)
    the_customer_is_called(story)
    the_content_is_removed(story)
    the_reporter_reads_that_it_is_settled(story)
    it_is_proved_which_mail_led_to_which_act(story)
    it_is_proved_what_the_reporter_was_told_and_when(story)
    assert story.daemon.stop() == 0
    assert len(story.reporter.got) == len(story.letters)
