"""A desk that answers reporters over a real mail server, and a clock that a test can set ahead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from incidents import clock
from incidents.app import App
from incidents.contract.documents.reports import Settled
from incidents.daemon.inbox.answer_duty import Answers
from incidents.desk import Envelope
from incidents.desk.inbox.reports import LeadToIncident
from incidents.inbox import triage
from incidents.inbox.receiving import Delivery
from incidents.machine import commands as c
from incidents.machine.command import Command
from incidents.record.report_events import ReportLogged
from tests.conftest import WriteSettings
from tests.notices.mail_server import HOST, Mailbox

ZHAO = "zhao@user.example"
_SETTINGS = """
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
[inbox]
{inbox}
"""


def mail(
    *lines: str, sender: str = f"Zhao <{ZHAO}>", subject: str = "phishing",
    text: str = "http://shop.example/login", id_: str | None = "<1@user.example>",
) -> bytes:  # fmt: skip
    """A mail with these header fields, as a mail server has it."""
    own = [f"From: {sender}", f"Subject: {subject}", "To: abuse@host.example", *lines]
    own += [] if id_ is None else [f"Message-ID: {id_}"]
    return ("\r\n".join(own) + f"\r\n\r\n{text}\r\n").encode()


def _opened(raw: bytes) -> AbstractContextManager[BinaryIO]:
    return nullcontext(BytesIO(raw))


@dataclass
class ReporterRig:
    """The desk `app`, whose mails to reporters arrive in `mailbox`."""

    app: App
    mailbox: Mailbox
    port: int
    folder: Path
    write: WriteSettings
    ahead: list[timedelta] = field(default_factory=lambda: [timedelta()])

    def wants(self, inbox: str = "receipts = true\noutcomes = true") -> None:
        """Set what [inbox] says; the first round notes from where on reporters are answered."""
        self.write(_SETTINGS.format(host=HOST, port=self.port, inbox=inbox))
        self.round()

    def round(self) -> Sequence[EmailMessage]:
        """Do a round of the duty, and return the mails that it has sent."""
        before = len(self.mailbox.got)
        Answers(self.app, jitter=lambda: 0.0).round()
        return self.mailbox.mails[before:]

    def later(self, **by: float) -> None:
        """Set the clock of the desk ahead."""
        self.ahead[0] += timedelta(**by)

    def receive(self, *raw: bytes, channel: str = "maildir") -> list[str]:
        """Receive the mails, and return the IDs of the reports."""
        deliveries = [Delivery(partial(_opened, each)) for each in raw]
        received = self.app.reports.receive(deliveries, channel=channel, by="daemon", login=None)
        return [report["id"] for report, _ in received]

    def log(
        self, report: int, site: str = "shop.example", names: Collection[str] | None = None
    ) -> None:
        """Log the report as an incident; it stays open for the other sites that it `names`."""
        lead = LeadToIncident(
            report=report, kind=ReportLogged, by="li", login=None, clock=clock.now,
            evidence=(f"{report}" * 64, 10, "r.eml"), again=True,
            others=None if names is None else lambda done: sorted(set(names).difference(done)),
        )  # fmt: skip
        envelope = Envelope(site=site, command=c.Log(by="li", again=True), login=None)
        [answer, *_] = self.app.desk.submit([envelope], sequel=lead)
        assert answer.refusal is None

    def join(self, report: int, incident: int, site: str = "shop.example") -> None:
        """Add the report to the incident of that number."""
        found = self.app.reports.waiting(report)
        command = triage.join_command(found, incident, "li")
        envelope = Envelope(site=site, command=command, login=None)
        assert self.app.reports.settle(found, envelope).refusal is None

    def do(self, command: Command, site: str | int = "shop.example") -> None:
        """Submit the command."""
        [answer] = self.app.desk.submit([Envelope(site=site, command=command, login=None)])
        assert answer.refusal is None, answer.refusal

    def dismiss(self, report: int, *, not_ours: bool = False) -> None:
        """Dismiss the report, for a reason that nobody outside may read."""
        self.app.reports.dismiss(report, "secret-why", not_ours=not_ours, by="li", login=None)

    def explain(self, report: int, reason: str) -> None:
        """Dismiss the report, for a reason that the reporter is to read."""
        self.app.reports.dismiss(
            report, reason, not_ours=False, by="li", login=None, tell_reporter=True
        )

    def reopen(self, report: int) -> Settled:
        """Open the report again."""
        return self.app.reports.reopen(report, "a mistake", by="li", login=None)

    def mark(self, reporter: str, standing: str) -> None:
        """Give the reporter a standing."""
        self.app.reports.mark(reporter, standing, "known", by="li", login=None)
