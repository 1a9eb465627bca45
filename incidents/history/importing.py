"""The import: it records past findings through the desk, each once, without starting a clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from incidents import clock
from incidents.contract.case_documents import plain
from incidents.history.report import Report
from incidents.history.reports import Finding, History
from incidents.history.rows import BadLine
from incidents.machine.commands import AddSite, ImportIncident
from incidents.machine.refusal import Refusal
from incidents.store.cases import sites as site_rows
from incidents.store.expired_keys import IMPORTED

if TYPE_CHECKING:
    from incidents.contract.documents import policies
    from incidents.desk import Answer, Desk, Envelope
    from incidents.values.json_object import JSONObject

T = TypeVar("T")

# In one transaction, during which others wait for its sites.
BATCH_COMMANDS = 500

# The refusal of a used key: the row was imported long ago, by another person, or with other
# addresses.
_DONE_BEFORE = "key_reused"

# The refusal of a site that somebody has added meanwhile.
_ADDED_BEFORE = "site_exists"


@dataclass(slots=True)
class SiteTally:
    """The results of an import for one site."""

    new: bool
    incidents_new: int = 0
    incidents_known: int = 0


@dataclass(slots=True, kw_only=True)
class Tally:
    """The results of an import by site, and the refused rows by line.

    A site that the desk refuses to add is not among `sites`; each of its rows is refused. `ids`:
    the IDs of new incidents, if the desk has numbered them. `seen`: the keys of the rows so far,
    because the same row twice in one file is one incident.
    """

    sites: dict[str, SiteTally] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    refused: list[tuple[int, Refusal]] = field(default_factory=list)

    @property
    def sites_new(self) -> int:
        """The number of sites that were not in the register."""
        return sum(site.new for site in self.sites.values())

    @property
    def incidents_new(self) -> int:
        """The number of incidents that were imported now."""
        return sum(site.incidents_new for site in self.sites.values())

    @property
    def incidents_known(self) -> int:
        """The number of findings that were imported before, or are in the file twice."""
        return sum(site.incidents_known for site in self.sites.values())


def refuse_future(history: History, now: datetime) -> None:
    """Move reports with a time after `now` to the list of bad lines."""
    reports = history.reports
    history.reports = []
    for report in reports:
        wrong = _future(report, now)
        if wrong is None:
            history.reports.append(report)
        else:
            history.bad.append(BadLine(report.line, wrong))
    history.bad.sort(key=lambda bad: bad.line)


def known(connection: Connection, findings: Iterable[Finding]) -> set[str]:
    """Return the names of the sites in the findings that are already in the register."""
    return set(site_rows.ids_by_name(connection, {finding.report.site for finding in findings}))


def keys(findings: Iterable[Finding]) -> list[str]:
    """Return the idempotency key of each finding, made from the finding's row.

    The same row has the same key in any file, whatever the other rows. A note is personal text, and
    a digest from which it could be guessed must not be kept; so rows that differ only in the note
    are numbered instead.
    """
    notes: dict[str, dict[str | None, int]] = {}
    found = []
    for finding in findings:
        content = _content(finding.report)
        numbers = notes.setdefault(content, {})
        number = numbers.setdefault(finding.report.note, len(numbers))
        digest = hashlib.sha256(f"{number}:{content}".encode()).hexdigest()
        found.append(f"{IMPORTED}{digest}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import through a desk, by a person (with the login name of the process).

    `known`: the names of the sites already in the register. A dry run writes nothing.
    """

    desk: Desk
    known: Collection[str]
    by: str
    login: str
    dry_run: bool = False

    def take(
        self, findings: Sequence[Finding], done: Callable[[int], object] = lambda _: None
    ) -> Tally:
        """Record the sites and the findings in batches, and return the results.

        Each batch is a transaction; if the import is interrupted and repeated, it skips what was
        already recorded. `done` is called with the number of findings after each batch.
        """
        tally = Tally()
        for finding in findings:
            site = finding.report.site
            tally.sites.setdefault(site, SiteTally(new=site not in self.known))
        not_added = self._add_sites(tally)
        for batch in _batches(zip(findings, keys(findings), strict=True)):
            self._take_batch([each for each in batch if each[0].report.site in tally.sites], tally)
            done(len(batch))
        tally.refused += [
            (finding.report.line, not_added[finding.report.site])
            for finding in findings
            if finding.report.site in not_added
        ]
        tally.refused.sort(key=lambda refused: refused[0])
        return tally

    def _add_sites(self, tally: Tally) -> dict[str, Refusal]:
        """Add the new sites; return the refused ones with the reason, without them in the tally."""
        refused: dict[str, Refusal] = {}
        for batch in _batches([site for site, found in tally.sites.items() if found.new]):
            envelopes = [self._envelope(site, AddSite(by=self.by)) for site in batch]
            answers = self.desk.submit(envelopes, dry_run=self.dry_run)
            for site, answer in zip(batch, answers, strict=True):
                if answer.refusal is None:
                    continue
                if answer.refusal.name == _ADDED_BEFORE:
                    tally.sites[site].new = False
                else:
                    refused[site] = answer.refusal
                    del tally.sites[site]
        return refused

    def _take_batch(self, batch: list[tuple[Finding, str]], tally: Tally) -> None:
        sent: list[tuple[Finding, str]] = []
        for finding, key in batch:
            site = tally.sites[finding.report.site]
            if key in tally.seen:
                site.incidents_known += 1
            elif self.dry_run and site.new:
                # The desk does not know the site, which a real run would have added first.
                site.incidents_new += 1
            else:
                sent.append((finding, key))
            tally.seen.add(key)
        envelopes = [
            self._envelope(finding.report.site, self._command(finding), key)
            for finding, key in sent
        ]
        answers = self.desk.submit(envelopes, dry_run=self.dry_run)
        for (finding, _), answer in zip(sent, answers, strict=True):
            _count(tally, finding.report, answer)

    def _envelope(
        self, site: str, command: AddSite | ImportIncident, key: str | None = None
    ) -> Envelope:
        from incidents.desk import Envelope

        return Envelope(site=site, command=command, login=self.login, key=key)

    def _command(self, finding: Finding) -> ImportIncident:
        report = finding.report
        return ImportIncident(
            by=self.by,
            at=report.occurred_at,
            urls=finding.urls,
            written=finding.written,
            category=report.category,
            note=report.note,
            contact=report.contact,
            contact_at=report.contact_at,
            removed_at=report.removed_at,
        )


def document(
    history: History, findings: Collection[Finding], tally: Tally, *, dry_run: bool
) -> policies.ImportCounts:
    """Return the results of an import as JSON."""
    return {
        "dry_run": dry_run,
        "reports": len(history.reports),
        "kept": len(findings),
        "sites": {"new": tally.sites_new, "known": len(tally.sites) - tally.sites_new},
        "incidents": {"new": tally.incidents_new, "known": tally.incidents_known},
        "refused": len(tally.refused),
        "refusals": [
            {"line": line, "name": refusal.name, "facts": _facts(refusal)}
            for line, refusal in tally.refused
        ],
        "urls_left_out": sum(finding.left_out for finding in findings),
        "bad": [{"line": bad.line, "message": bad.detail} for bad in history.bad],
    }


def by_site(tally: Tally) -> list[policies.ImportedSite]:
    """Return the results for each site."""
    return [
        {
            "site": name, "new": site.new, "incidents_new": site.incidents_new,
            "incidents_known": site.incidents_known,
        }
        for name, site in tally.sites.items()
    ]  # fmt: skip


def _facts(refusal: Refusal) -> JSONObject:
    return {name: plain(value) for name, value in refusal.facts.items()}


def _count(tally: Tally, report: Report, answer: Answer) -> None:
    site, refusal = tally.sites[report.site], answer.refusal
    # A used key repeats the first answer: a refusal then left nothing on record.
    if refusal is not None and refusal.name != _DONE_BEFORE:
        tally.refused.append((report.line, refusal))
    elif refusal is not None or answer.repeated:
        site.incidents_known += 1
    else:
        site.incidents_new += 1
        tally.ids.append(answer.incident_document["id"])


def _future(report: Report, now: datetime) -> str | None:
    for column in ("occurred_at", "contact_at", "removed_at"):
        moment = getattr(report, column)
        if moment is not None and moment > now:
            return f"{column} is {clock.rfc3339(moment)}, which is in the future"
    return None


def _content(report: Report) -> str:
    times = (report.occurred_at, report.contact_at, report.removed_at)
    written = [None if moment is None else clock.rfc3339(moment) for moment in times]
    return json.dumps([report.site, report.url, report.category, report.contact, *written])


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH_COMMANDS)):
        yield batch
