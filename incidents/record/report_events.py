"""What is on record of reports: that one came in, what it led to, and what decides about them."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.machine.event import Event, kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvent(Event):
    """The fields that all actions on reports have: the number of the `report`."""

    report: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived(ReportEvent):
    """An action of the desk: a report came in by `channel`, and is kept unchanged.

    `digest` is the SHA-256 (hexadecimal) of its `size` bytes; `kept`: that of its first bytes, if
    it is too long to keep all. `format`: what it was read as. `unread`: why it could not be read.
    `text` is what was read out of it, as JSON, a reference to a sealed value. `same_id_as`: an
    earlier report with the same Message-ID and other bytes. `by_rule`: the name of the intake rule
    that it matches, of the rules with the digest `rules`; `asks`: why that rule leaves it to the
    desk. `answers`: an earlier report, to whose mail from the desk it is an answer.
    """

    kind = "report_received"
    digest: str
    size: int
    channel: str
    format: str
    text: str
    kept: str | None = None
    unread: str | None = None
    same_id_as: int | None = None
    by_rule: str | None = None
    rules: str | None = None
    asks: str | None = None
    answers: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLogged(ReportEvent):
    """An action of the desk: the report was logged as a new incident, `about` (`12-3`).

    `by_rule` and `rules`: the intake rule that did it, and the digest of its rules; missing if a
    person did. `stays_open`: the report still waits for the desk, since it names further sites.
    """

    kind = "report_logged"
    about: str
    by_rule: str | None = None
    rules: str | None = None
    stays_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportJoined(ReportEvent):
    """An action of the desk: the report is `about` an incident on record (`12-3`).

    `by_rule`, `rules` and `stays_open` as of a logged report.
    """

    kind = "report_joined"
    about: str
    by_rule: str | None = None
    rules: str | None = None
    stays_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDismissed(ReportEvent):
    """An action of the desk: the report leads to no incident, for the reason `text`.

    `not_ours`: because it is about nothing that this provider hosts. `text` is a reference to a
    sealed value. `tell_reporter`: the reason is for the reporter, too. `by_rule` and `rules` as of
    a logged report. One that has led to incidents has ended by them; this is about the rest.
    """

    kind = "report_dismissed"
    text: str
    not_ours: bool = False
    by_rule: str | None = None
    rules: str | None = None
    tell_reporter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReopened(ReportEvent):
    """An action of the desk: the report waits for the desk again, for the reason `text`.

    `was`: the state in which it had ended, such as `joined`. `text` is a reference to a sealed
    value.
    """

    kind = "report_reopened"
    was: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAsked(ReportEvent):
    """An action of the desk: the rule that the report matches leaves it to the desk.

    `by_rule` and `rules` as of a logged report; `asks`: why, as a code.
    """

    kind = "report_asked"
    by_rule: str
    rules: str
    asks: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRulesActivated(Event):
    """An action of the desk: the intake rules with the digest `rules` came into force.

    They replace `previous`, which is missing for the first ones. `toml` is their file and `text`
    the reason, a reference to a sealed value.
    """

    kind = "intake_rules_activated"
    rules: str
    toml: str
    text: str
    previous: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressBookImported(Event):
    """An action of the desk: entries were added to the address book, from a file.

    The address book suggests the customer of a host; it decides nothing. `digest`: the SHA-256
    (hexadecimal) of the file; the file itself is not kept. `entries`: the number of entries in it.
    `replaced`: the number of those that were in the address book before.
    """

    kind = "address_book_imported"
    digest: str
    entries: int
    replaced: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterAnswered(ReportEvent):
    """An action of the desk: who sent the `report` got a mail, the `letter` of that name.

    `others`: the other reports (`r18`) that the mail names, and `more`: how many it only counts.
    `text` is the address, a reference to a sealed value. `problem`: why it was not sent, after the
    last attempt.
    """

    kind = "reporter_answered"
    letter: str
    text: str
    others: tuple[str, ...] = ()
    more: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReporterMarked(Event):
    """An action of the desk: a reporter has another `standing` from now on.

    It is `trusted`, `muted`, `blocked` or `none`. `reporter` is a key, from which nobody can tell
    the address. `text` is the address and the reason, as JSON, a reference to a sealed value.
    """

    kind = "reporter_marked"
    reporter: str
    standing: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSnapshot(ReportEvent):
    """An action of the desk: what was found at a web address that the `report` names.

    `status` is the server's. `problem`: why there is no page, as a code. `digest`: the SHA-256
    (hexadecimal) of the `size` bytes of the page, or of the first ones if it was `cut`.
    `screenshot`: that of the page's picture, a PNG; `no_screenshot`: why there is none, as a code.
    `text` is the addresses, the title and the text, as JSON, a reference to a sealed value.
    """

    kind = "report_snapshot"
    text: str
    status: int | None = None
    problem: str | None = None
    digest: str | None = None
    size: int | None = None
    cut: bool = False
    screenshot: str | None = None
    no_screenshot: str | None = None


KINDS = kinds(globals())
