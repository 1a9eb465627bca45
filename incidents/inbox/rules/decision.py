"""What the rule that a report matches does with it, as things stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from incidents.clock import read_rfc3339
from incidents.contract.documents.reports import ReportWithFindings
from incidents.inbox import triage
from incidents.intake import finding
from incidents.intake.finding import Named
from incidents.intake.rules import ASK, DISMISS, JOIN, LOG, Rule
from incidents.machine.commands import Log
from incidents.store import site_findings
from incidents.values.ids import read_report_id
from incidents.views.inbox import candidates


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What to do: `log` the command on the site, `join` its incident `n`, `dismiss`, or `ask`.

    `asks`: why the rule leaves the report to the desk.
    """

    kind: Literal["log", "join", "dismiss", "ask"]
    site: str | None = None
    site_id: int | None = None
    n: int | None = None
    command: Log | None = None
    asks: str | None = None


def decide(connection: Connection, report: ReportWithFindings, rule: Rule, now: datetime) -> Act:
    """Decide, at `now` (UTC); under the lock of the site, nothing changes it any more.

    A rule logs and joins only what is about exactly one site.
    """
    if rule.act == DISMISS:
        return Act(kind="dismiss")
    if rule.act == ASK:
        return _ask("asks")
    sites = report["candidates"]
    if len(sites) != 1:
        return _ask("several_sites" if sites else "no_site")
    if report["more"]:
        # There may be others in what was not read.
        return _ask("several_sites")
    [site] = sites
    if rule.act == LOG and candidates.changed_hands(connection, site, triage.first_at(report), now):
        return _ask("changed_hands")
    command = triage.log_command(report, site, rule.signature, now)
    received_at = read_rfc3339(report["received_at"])
    id_ = read_report_id(report["id"])
    assert id_ is not None, "the desk's own id"
    site_id, known = site_findings.known(connection, site, received_at, id_)
    named = Named(category=command.category, urls=frozenset(command.urls), received_at=received_at)
    decided = {LOG: finding.to_log, JOIN: finding.to_join}[rule.act](named, known)
    if decided.asks is not None:
        return _ask(decided.asks)
    if decided.n is None:
        return Act(kind="log", site=site, site_id=site_id, command=command)
    return Act(kind="join", site=site, site_id=site_id, n=decided.n)


def _ask(why: str) -> Act:
    return Act(kind="ask", asks=why)
