"""Triage: what it means to log or to join a report: a command, and what follows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from incidents import clock
from incidents.clock import read_rfc3339
from incidents.contract.documents.reports import Report
from incidents.desk.envelope import Answer, with_remark
from incidents.desk.inbox.reports import ByRule, LeadToIncident
from incidents.errors import BadUrlError, InputError
from incidents.machine.command import Command
from incidents.machine.commands import Attach, Log
from incidents.machine.refusal import Refusal, Remark
from incidents.record.report_events import ReportJoined, ReportLogged
from incidents.values import inputs, web_address
from incidents.values.inputs import MAX_URLS
from incidents.views.inbox.candidates import names_above

_MOST_NAMED = 10
"""The maximum number of candidates that a sentence names."""

NOTHING_TOUCHED: dict[str, Any] = {
    "site": None, "incident": None, "incidents": [], "events": [], "remarks": [],
    "repeated": False,
}  # fmt: skip
"""The answer to an act on a report that is about no site."""


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


def remarked(answer: Answer, report: Report) -> Answer:
    """The answer to an act that led the report to a site, with a remark if it names another one.

    It may be right: a person knows more than the report says. A refusal that finds the violation
    on record names the report, which can be joined to it.
    """
    refusal = answer.refusal
    if refusal is not None and refusal.name == "double_entry":
        return replace(
            answer, refusal=Refusal(refusal.name, {**refusal.facts, "report": report["id"]})
        )
    site = answer.site
    is_named = site in report["candidates"] or any(
        site in names_above(host) for host in report["hosts"]
    )
    is_known = any(each.name == "other_host" for each in answer.remarks)
    if refusal is not None or answer.repeated or is_named or is_known:
        return answer
    candidates = report["candidates"][:_MOST_NAMED]
    facts = {
        "cause": "others" if candidates else "none", "report": report["id"], "site": site,
        "sites": candidates,
    }  # fmt: skip
    return with_remark(answer, Remark("report_not_about", facts))


def log_command(
    report: Report, site: str, by: str, now: datetime, *, at: datetime | None = None,
    category: str | None = None, note: str | None = None, again: bool = False,
) -> Log:  # fmt: skip
    """The command that logs the report on the site, with the addresses that are there.

    If no address is at the site, all are logged: the person has named the site. The violation
    happened at `at`, otherwise when the report says that it was seen, unless that is a guess or
    later than `now` (UTC).
    """
    here = [url for url in report["urls"] if _is_at(url, site)]
    urls = web_address.normalized((here or _readable(report["urls"]))[:MAX_URLS])
    return Log(
        by=by, at=at or _seen_at(report, now), urls=urls.urls, written=urls.written,
        category=category or report["category"], note=note, again=again,
    )  # fmt: skip


def join_command(report: Report, n: int, by: str) -> Attach:
    """The command that attaches the report's bytes to the incident with that number of its site."""
    digest, size, name = evidence_of(report)
    return Attach(by=by, incident=n, digest=digest, size=size, name=name)


def sequel(
    report: Report, command: Command, login: str | None, by_rule: ByRule | None = None
) -> LeadToIncident:
    """What follows the command, which is of `log_command` or of `join_command`."""
    is_log = isinstance(command, Log)
    return LeadToIncident(
        report=inputs.report(report["id"]), kind=ReportLogged if is_log else ReportJoined,
        by=command.by, login=login, clock=clock.now,
        evidence=evidence_of(report) if is_log else None, by_rule=by_rule,
    )  # fmt: skip


def first_at(report: Report) -> datetime:
    """When the report says that the content was seen first (UTC), or else when it came in."""
    received = read_rfc3339(report["received_at"])
    seen = report["seen_at"]
    return received if seen is None else min(read_rfc3339(seen), received)


def _seen_at(report: Report, now: datetime) -> datetime | None:
    stated = report["seen_at"]
    if stated is None or "seen_at" in report["guessed"]:
        return None
    found = read_rfc3339(stated)
    return found if found <= now else None


def _is_at(url: str, site: str) -> bool:
    try:
        return web_address.is_below(web_address.read(url), site)
    except BadUrlError:
        return False


def _readable(urls: list[str]) -> list[str]:
    found = []
    for url in urls:
        try:
            web_address.read(url)
        except BadUrlError:
            continue
        found.append(url)
    return found
