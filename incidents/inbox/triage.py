"""Triage: what it means to log or to join a report: a command, and what follows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from incidents import clock
from incidents.clock import read_rfc3339
from incidents.contract.documents.reports import Finding, Report, ReportWithFindings
from incidents.desk.envelope import Answer, remark_documents, with_remark
from incidents.desk.inbox.reports import ByRule, LeadToIncident
from incidents.errors import BadUrlError, InputError
from incidents.machine.command import Command
from incidents.machine.commands import Attach, Log
from incidents.machine.refusal import Refusal, Remark
from incidents.record.report_events import ReportJoined, ReportLogged
from incidents.store.inbox.reports import URGENT
from incidents.values import inputs, web_address
from incidents.values.inputs import MAX_URLS
from incidents.views.inbox import findings
from incidents.views.inbox.candidates import names_above

_MOST_NAMED = 10
"""The maximum number of candidates that a sentence names."""


def evidence_of(report: Report) -> tuple[str, int, str]:
    """The bytes of the report as evidence: their digest, their size and a name for them."""
    ending = "eml" if report["subject"] is not None or report["format"] == "mail" else "bin"
    digest = report["kept"] or report["digest"]
    return digest, report["size"], f"{report['id']}.{ending}"


def site_of(report: Report, given: str | None) -> str:
    """The site that the report is logged on: the one that is named, or the only candidate.

    Raises:
        InputError: if none is named, and there is no candidate or several.
    """
    if given is not None:
        return given
    candidates = report["candidates"]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise InputError.coded(
            "report_no_candidate",
            "{report} names no site of this desk: name the site, or dismiss the report as not ours",
            report=report["id"],
        )
    raise InputError.coded(
        "report_candidates", "{report} may be about {sites}: name the site",
        report=report["id"], sites=", ".join(candidates[:_MOST_NAMED]),
    )  # fmt: skip


def remarked(answer: Answer, report: ReportWithFindings, *, keep_open: bool = False) -> Answer:
    """The answer to an act that led the report to a site, with remarks on the report's other sites.

    It may name another one alone, and that may be right: a person knows more than the report says.
    Or it names further ones, for which it stays open (`keep_open`), or of which nothing became. A
    refusal that finds the violation on record names the report, which can be joined to it.
    """
    refusal = answer.refusal
    if refusal is not None and refusal.name == "double_entry":
        return replace(
            answer, refusal=Refusal(refusal.name, {**refusal.facts, "report": report["id"]})
        )
    site = answer.site
    if refusal is not None or answer.repeated:
        return answer
    answer = _by_the_book(answer, report, site)
    facts: dict[str, Any] = {"report": report["id"]}
    sites = others(report, site)[:_MOST_NAMED]
    if sites and (keep_open or about(report, site)):
        name = "report_stays_open" if keep_open else "report_names_others"
        answer = with_remark(answer, Remark(name, {**facts, "sites": sites}))
    if report["more"]:
        answer = with_remark(answer, Remark("report_cut", {"report": report["id"]}))
    if about(report, site):
        return answer
    if any(each.name == "other_host" for each in answer.remarks):
        return answer
    candidates = report["candidates"][:_MOST_NAMED]
    facts |= {"cause": "others" if candidates else "none", "site": site, "sites": candidates}
    return with_remark(answer, Remark("report_not_about", facts))


def addresses_of(report: ReportWithFindings, site: str) -> set[str]:
    """The IP addresses of the report that are the site's, as the address book says."""
    return {
        each["address"] for each in report["findings"]
        if each["address"] and site in each["candidates"]
    }  # fmt: skip


def _by_the_book(answer: Answer, report: ReportWithFindings, site: str) -> Answer:
    """The answer, without that a URL is on another host if this is an address of the site."""
    known, remarks = addresses_of(report, site), []
    for each in answer.remarks:
        if each.name == "other_host":
            hosts = tuple(host for host in each.facts["hosts"] if host not in known)
            if not hosts:
                continue
            each = Remark(each.name, {**each.facts, "hosts": hosts})  # noqa: PLW2901
        remarks.append(each)

    def make_document() -> Any:
        return {**answer.document, "remarks": remark_documents(remarks)}

    return replace(answer, remarks=tuple(remarks), make_document=make_document)


def about(report: ReportWithFindings, site: str) -> list[Finding]:
    """The findings of the report that may be about the site, or are below it."""
    return [
        each for each in report["findings"]
        if site in each["candidates"] or site in names_above(each["host"] or "")
    ]  # fmt: skip


def others(report: ReportWithFindings, site: str) -> list[str]:
    """The further sites that the report names and that have not led to an incident.

    They are those of its findings that are not about the `site`.
    """
    left = findings.left(report["findings"], [site])
    return [each for each in report["candidates"] if each in left]


def names_several(report: ReportWithFindings) -> bool:
    """Whether the report may name others when it is logged on one of its candidates."""
    return any(others(report, site) for site in report["candidates"])


class Part(NamedTuple):
    """What the report says of one site: the first category and the first time (RFC 3339)."""

    site: str
    category: str | None
    seen_at: str | None


def parts(report: ReportWithFindings) -> list[Part]:
    """What the report says of each of its candidates, in their order."""
    return [
        Part(
            site,
            _category(own),
            min((each["seen_at"] for each in own if each["seen_at"]), default=None),
        )
        for site in report["candidates"]
        for own in [about(report, site)]
    ]


def log_command(
    report: ReportWithFindings, site: str, by: str, now: datetime, *, at: datetime | None = None,
    category: str | None = None, note: str | None = None, again: bool = False,
) -> Log:  # fmt: skip
    """The command that logs the report on the site, by those of its findings that are about it.

    Its addresses are theirs, or else those of nobody here that the report names beside them; its
    category is the first of theirs, unless another cannot wait. If none is about the site, all are
    logged: the person has named the site. The violation happened at `at`, otherwise when they were
    first seen, unless that is a guess or later than `now` (UTC).
    """
    own = about(report, site)
    # Of a person who logs row by row, those of the category that they name.
    own = [each for each in own if category and each["category"] == category] or own
    urls = web_address.normalized(_urls(report, own)[:MAX_URLS])
    found = category or _category(own)
    return Log(
        by=by, at=at or _seen_at(report, own, now), urls=urls.urls, written=urls.written,
        category=found or (None if own else report["category"]), note=note, again=again,
    )  # fmt: skip


def stated_at(report: ReportWithFindings, site: str, now: datetime) -> datetime | None:
    """When the violation on the site happened (UTC) by the report alone: see `log_command`."""
    return _seen_at(report, about(report, site), now)


def join_command(report: Report, n: int, by: str) -> Attach:
    """The command that attaches the report's bytes to the incident with that number of its site."""
    digest, size, name = evidence_of(report)
    return Attach(by=by, incident=n, digest=digest, size=size, name=name)


def sequel(
    report: ReportWithFindings, command: Command, login: str | None,
    by_rule: ByRule | None = None, *, keep_open: bool = False,
) -> LeadToIncident:  # fmt: skip
    """What follows the command, which is of `log_command` or of `join_command`.

    `keep_open`: the report waits on as long as it names sites of which nothing has become.
    """
    is_log = isinstance(command, Log)
    return LeadToIncident(
        report=inputs.report(report["id"]), kind=ReportLogged if is_log else ReportJoined,
        by=command.by, login=login, clock=clock.now,
        evidence=evidence_of(report) if is_log else None, by_rule=by_rule,
        others=partial(findings.left, report["findings"]) if keep_open else None,
        is_cut=report["more"],
        again=isinstance(command, Log) and command.again,
    )  # fmt: skip


def first_at(report: Report) -> datetime:
    """When the report says that the content was seen first (UTC), or else when it came in."""
    received = read_rfc3339(report["received_at"])
    seen = report["seen_at"]
    return received if seen is None else min(read_rfc3339(seen), received)


def _category(own: list[Finding]) -> str | None:
    """The first category of the findings; one that cannot wait comes before all others."""
    found = [each["category"] for each in own if each["category"]]
    return next((each for each in URGENT if each in found), found[0] if found else None)


def _seen_at(report: ReportWithFindings, own: list[Finding], now: datetime) -> datetime | None:
    if "seen_at" in report["guessed"]:
        return None
    stated = [each["seen_at"] for each in own] if own else [report["seen_at"]]
    times = [read_rfc3339(each) for each in stated if each is not None]
    return min((each for each in times if each <= now), default=None)


def _urls(report: ReportWithFindings, own: list[Finding]) -> list[str]:
    if not own:
        return _readable(report["urls"])
    urls = _readable([each["url"] for each in own if each["url"]])
    if urls or any(each["host"] for each in own):
        return urls
    # A mail that names an address, and beside it the server's IP address by which it is ours.
    beside = [each for each in report["findings"] if not (each["candidates"] or each["address"])]
    return _readable([each["url"] for each in beside if each["url"]])


def _readable(urls: list[str]) -> list[str]:
    found = []
    for url in urls:
        try:
            web_address.read(url)
        except BadUrlError:
            continue
        found.append(url)
    return found
