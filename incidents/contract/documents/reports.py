"""The documents about reports from outside: what was read out of each, and how it ended."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from incidents.contract.documents import Open
from incidents.contract.documents.actions import Outcome

Standing = Literal["trusted", "muted", "blocked", "none"]
ReportState = Literal["new", "unreadable", "logged", "joined", "dismissed", "not_ours"]
ReporterLetter = Literal["receipt", "acted", "dismissed", "not_ours", "ended", "explained"]


class Record(Open):
    """How the reports of a reporter ended: each number is counted up to 1,000.

    `right`: those that led to an incident. `wrong`: the others. `waiting`: those not settled yet.
    """

    right: int
    wrong: int
    waiting: int


class Reporter(Record):
    """A reporter: their record, and the standing that the desk has given them, with the reason.

    `reporter`: the email address, or else the name; None after an erasure.
    """

    reporter: str | None
    standing: Standing
    reason: str | None
    marked_at: str | None
    marked_by: str | None


class ReporterList(TypedDict):
    """The reporters who have a standing."""

    items: list[Reporter]


class Endpoint(Open):
    """An IP address, with the port and the time if the report names them."""

    address: str
    port: int | None
    seen_at: str | None


class ReportFile(Open):
    """A file in a report: its name, media type and size in bytes, and its SHA-256 (hexadecimal)."""

    name: str
    type: str
    size: int
    digest: str


class Report(Open):
    """A report, and what was read out of it.

    `id`: such as `r17`. `digest`: the SHA-256 (hexadecimal) of its bytes. `kept`: that of its first
    bytes, if it was too long to keep all. `urls`: as written, but not defanged. `seen_at`: the
    first time at which the violation was seen. `guessed`: the fields that the report does not
    state. `more`: not everything is listed.
    `candidates`: the sites here that it may be about; while it waits, only those of findings that
    led to no incident yet. `incidents`: all that it led to; `incident`: the one by which it ended.
    `reason`: why it cannot be read, or why it, or its rest, was dismissed. `reopened_at`: when it
    was opened again last. `rule`: the intake rule that it matched; `asks`: why that rule left it to
    the desk, as a code. `answers`: the report to whose mail from the desk it is a reply.
    `standing`: that of the reporter; of a trusted one there is the `record`, too. `repeated`: the
    same bytes were received before. After an erasure the fields that were read are empty.
    """

    id: str
    format: str
    state: ReportState
    reporter: str | None
    category: str | None
    hosts: list[str]
    urls: list[str]
    addresses: list[str]
    seen_at: str | None
    candidates: list[str]
    reason: str | None
    received_at: str
    channel: str
    digest: str
    kept: str | None
    size: int
    subject: str | None
    guessed: list[str]
    more: bool
    same_id_as: str | None
    answers: str | None
    incident: str | None
    incidents: list[str]
    settled_at: str | None
    settled_by: str | None
    reopened_at: str | None
    rule: str | None
    asks: str | None
    standing: Standing
    record: Record | None


class Finding(Open):
    """One thing that a report names, such as a row of a table, and what is said of it.

    `candidates`: the sites here that it may be about.
    """

    url: str | None
    host: str | None
    address: str | None
    category: str | None
    seen_at: str | None
    candidates: list[str]


class Held(TypedDict):
    """What a customer had, by the address book, and so why `site` is a candidate.

    `what`: a `site`, a `domain` or a `network`, and `value` which; from `since` (None: always)
    until before `until` (None: still).
    """

    site: str
    customer: str
    what: Literal["site", "domain", "network"]
    value: str
    since: str | None
    until: str | None


class ReportWithFindings(Report):
    """A report with its findings, in the order of the report; its `candidates` are all of theirs.

    A table has one for each row. Otherwise each address, host and IP address is one.
    """

    findings: list[Finding]


class Told(Open):
    """A mail to who reported: the `letter`, when it was sent, and if it was not, the `problem`."""

    letter: ReporterLetter
    told_at: str
    problem: str | None


class Snapshot(Open):
    """What was found at a web address of a report, and when.

    `url`: as the report has it; `final`: the last address that was asked, or to which a redirect
    leads that was not followed. `problem`: why there is no page, as a code. `digest`: the SHA-256
    (hexadecimal) of the `size` bytes of the page, or of the first ones if it was `cut`. `kind`: its
    Content-Type. `unread`: why there is no text, as a code. `screenshot`: the SHA-256 of the
    page's picture, a PNG; `no_screenshot`: why there is none, as a code. Both are null for what is
    no HTML. After an erasure the addresses, the title and the text are empty.
    """

    n: int
    taken_at: str
    by: str
    url: str
    final: str
    status: int | None
    problem: str | None
    size: int | None
    digest: str | None
    cut: bool
    screenshot: str | None
    no_screenshot: str | None
    kind: str | None
    title: str
    text: str
    unread: str | None


class Reopening(Open):
    """How a report had ended before somebody opened it again, with the reasons of both."""

    state: ReportState
    settled_at: str
    settled_by: str
    incident: str | None
    reason: str | None
    reopened_at: str
    reopened_by: str
    why: str | None


class ReportInFull(ReportWithFindings):
    """A report with its text, its files and its endpoints.

    `answered_by`: the replies that came in. `told`: the mails that the reporter was sent about it.
    `snapshots`: what was found at its web addresses, the oldest first. `reopenings`: how it had
    ended each time that it was opened again, the first one first. `on_record`: the incidents that
    have one of its URLs, and that the desk still works on: to log it there is a double entry.
    `held`: what customers had of what it names, at its time; `customer` is empty for who may not
    see personal data.

    `text`: empty for who may not see personal data. `sealed`: it may show child abuse, so its text
    and the names of its files are left out.
    """

    sealed: bool
    text: str
    endpoints: list[Endpoint]
    attachments: list[ReportFile]
    invalid: list[str]
    sent_at: str | None
    answered_by: list[str]
    told: list[Told]
    snapshots: list[Snapshot]
    reopenings: list[Reopening]
    on_record: list[str]
    held: list[Held]


class ReportPage(TypedDict):
    """A page of reports; `next`: the cursor of the next page, None on the last one."""

    items: list[Report]
    next: str | None


class StoppedRule(TypedDict):
    """An intake rule that does nothing, because its owner may not settle reports.

    `why`: the owner has no account (`no_account`), a disabled one, or one whose role may not do so.
    """

    rule: str
    owner: str
    why: Literal["no_account", "disabled", "role"]


class IntakeRules(Open):
    """The intake rules in force: their file and digest, since when, by whom and why.

    `activated_at`, `by` and `reason` are None if no rules were ever activated. `rules` is the
    digest. `stopped`: those of the rules that do nothing.
    """

    rules: str
    toml: str
    activated_at: str | None
    by: str | None
    reason: str | None
    stopped: list[StoppedRule]


class RulesActivation(TypedDict):
    """An activation of intake rules: when, by whom, why, and what it changed.

    `rules` and `previous` are digests. `changes`: the lines of the file that the activation removed
    (`-`) and added (`+`) with the lines around them, each with that sign or a blank in front; a
    line `@@ … @@` precedes each place.
    """

    rules: str
    previous: str | None
    activated_at: str
    by: str
    reason: str | None
    toml: str
    changes: list[str]


class RulesHistory(TypedDict):
    """All activations of intake rules, earliest first."""

    items: list[RulesActivation]


class CheckedRules(TypedDict):
    """Intake rules that can be used: their digest, and their file as it is kept.

    `stopped`: the rules for whose owners an activation would be refused now.
    """

    rules: str
    toml: str
    stopped: list[StoppedRule]


class RuleTrial(TypedDict):
    """The number of reports that a rule would have logged, joined, dismissed or left to the desk.

    `agree` and `differ`: of those that people have settled, how many led to an incident, or to
    none, as by the rule.
    """

    rule: str
    owner: str
    log: int
    join: int
    dismiss: int
    ask: int
    agree: int
    differ: int


class ComparedAct(TypedDict):
    """The number of reports that rules `would` have logged …, and that people `did` log …

    `did` is the state of the report, or `rule` if a rule has settled it.
    """

    would: str
    did: str
    count: int


class DifferingReport(TypedDict):
    """A report that a rule would have settled otherwise than people did."""

    report: str
    rule: str
    would: str
    did: str
    asks: str | None
    by: str | None


class RulesTrial(TypedDict):
    """The result of a trial of rules on the reports that came in from `since` until `until`.

    `more`: there are more reports than rules are tried on. `unmatched`: the number of reports that
    no rule matches.
    """

    rules: str
    since: str
    until: str
    reports: int
    more: bool
    unmatched: int
    by_rule: list[RuleTrial]
    compared: list[ComparedAct]
    examples: list[DifferingReport]


class RulesActivated(TypedDict):
    """The intake rules that came into force, and those before; both as digests.

    `activated_at` is None if nothing was done.
    """

    rules: str
    previous: str | None
    by: str
    activated_at: str | None


class Settled(Outcome):
    """The answer to an act on a report: as of an act on a site, with the report after it.

    `repeated`: the act with this key was done before, and this is its answer.
    """

    report: ReportInFull
    repeated: bool
