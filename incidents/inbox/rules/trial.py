"""The back-test of intake rules: what they would have done with the reports on record.

It takes the sites as they are now, and the incidents as the rules, and people beside them, would
have made them in the period; each stays open for a day. Nothing is changed.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.clock import read_rfc3339, rfc3339
from incidents.desk.inbox.reports import BRAKE_SPAN
from incidents.inbox import triage
from incidents.intake import finding
from incidents.intake import rules as intake
from incidents.intake.finding import Known, Named
from incidents.intake.rules import ASK, DISMISS, JOIN, LOG, ReportFacts, Rule, Rules
from incidents.machine.policy import Policy
from incidents.store.inbox import reports as store
from incidents.values import person_name
from incidents.values.ids import read_report_id
from incidents.views.inbox import candidates
from incidents.views.inbox import reports as views

if TYPE_CHECKING:
    from incidents.contract.documents.reports import (
        ComparedAct,
        DifferingReport,
        ReportWithFindings,
        RulesTrial,
        RuleTrial,
    )

MAX_REPORTS = 10_000
"""The maximum number of reports on which rules are tried, the latest first."""
MAX_EXAMPLES = 20
_AT_ONCE = 500
_OPEN_FOR = timedelta(days=1)


_ChangedHands = Callable[[str, datetime, datetime], bool]
"""See `candidates.changed_hands`."""


@dataclass(slots=True)
class _Site:
    """What the rules would have made of a site: its incidents, and when each occurred."""

    known: list[Known] = field(default_factory=list)
    occurred: list[datetime] = field(default_factory=list)


class _Trial:
    """The rules under trial, and what they would have done so far."""

    def __init__(self, rules: Rules, policy: Policy, changed_hands: _ChangedHands) -> None:
        self._rules, self._policy, self._changed_hands = rules, policy, changed_hands
        self._sites: dict[str, _Site] = defaultdict(_Site)
        self._logged: dict[str, deque[datetime]] = defaultdict(deque)

    def would(
        self, report: ReportWithFindings, *, unread: bool
    ) -> tuple[Rule | None, str, str | None]:
        """What would have been done with the next report: the rule, its act, and why it asks."""
        matched = None if unread else intake.match(self._rules, _facts(report))
        if matched is None:
            self._by_people(report)
            return None, ASK, None
        act, asks = self._act(report, matched)
        if act == ASK:
            self._by_people(report)
        return matched.rule, act, asks

    def _act(self, report: ReportWithFindings, matched: intake.Matched) -> tuple[str, str | None]:
        rule, at = matched.rule, read_rfc3339(report["received_at"])
        asks = matched.asks or self._brakes(rule, at)
        if asks is not None:
            return ASK, asks
        if rule.act == DISMISS:
            return DISMISS, None
        sites = report["candidates"]
        if len(sites) != 1:
            return ASK, "several_sites" if sites else "no_site"
        if report["more"]:
            return ASK, "several_sites"
        if rule.act == LOG and self._changed_hands(sites[0], triage.first_at(report), at):
            return ASK, "changed_hands"
        site = self._site(sites[0], at)
        command = triage.log_command(report, sites[0], rule.signature, at)
        named = Named(category=command.category, urls=frozenset(command.urls), received_at=at)
        decided = {LOG: finding.to_log, JOIN: finding.to_join}[rule.act](named, site.known)
        if decided.asks is not None:
            return ASK, decided.asks
        if decided.n is not None:
            known = site.known
            index = next(n for n, each in enumerate(known) if each.n == decided.n)
            known[index] = replace(known[index], last_at=at)
            return JOIN, None
        occurred = command.at or at
        if self._would_close(site, occurred):
            return ASK, "would_close"
        self._logged[rule.name].append(at)
        self._add(site, named, occurred)
        return LOG, None

    def _brakes(self, rule: Rule, at: datetime) -> str | None:
        logged = self._logged[rule.name]
        while logged and logged[0] <= at - BRAKE_SPAN:
            logged.popleft()
        return store.BRAKE if len(logged) >= self._rules.logs_per_hour else None

    def _would_close(self, site: _Site, occurred: datetime) -> bool:
        """Whether one more incident would meet R1: so many within a window that holds it."""
        times = sorted([*site.occurred, occurred])
        count = self._policy.repeat_count
        windows = zip(times, times[count - 1 :], strict=False)
        return any(
            last - first <= self._policy.repeat_within and first <= occurred <= last
            for first, last in windows
        )

    def _by_people(self, report: ReportWithFindings) -> None:
        """Take it that people log the report on its site if that is what they did."""
        if report["state"] != store.LOGGED or len(report["candidates"]) != 1:
            return
        at = read_rfc3339(report["received_at"])
        [name] = report["candidates"]
        command = triage.log_command(report, name, "", at)
        named = Named(category=command.category, urls=frozenset(command.urls), received_at=at)
        self._add(self._site(name, at), named, command.at or at)

    def _site(self, name: str, at: datetime) -> _Site:
        site = self._sites[name]
        site.known = [each for each in site.known if at - each.last_at <= _OPEN_FOR]
        return site

    @staticmethod
    def _add(site: _Site, named: Named, occurred: datetime) -> None:
        site.occurred.append(occurred)
        site.known.append(
            Known(
                n=len(site.occurred), state="open", category=named.category, urls=named.urls,
                last_at=named.received_at,
            )
        )  # fmt: skip


def try_rules(
    connection: Connection, rules: Rules, policy: Policy, *, since: datetime, until: datetime
) -> RulesTrial:
    """Try the rules on the reports that came in from `since` until before `until` (UTC).

    At most `MAX_REPORTS`, the latest: `more` says that there were others.
    """
    ids = store.received(connection, since, until, MAX_REPORTS + 1)
    trial, by_rule = (
        _Trial(rules, policy, partial(candidates.changed_hands, connection)),
        {rule.name: _row(rule) for rule in rules.rules},
    )
    compared: Counter[tuple[str, str]] = Counter()
    examples: list[DifferingReport] = []
    unmatched = 0
    for report, unread in _each(connection, sorted(ids[:MAX_REPORTS])):
        rule, would, asks = trial.would(report, unread=unread)
        if rule is None:
            unmatched += 1
            continue
        row = by_rule[rule.name]
        row[_COUNTS[would]] += 1  # type: ignore[literal-required]  # one of the four
        did = _did(report)
        compared[would, did] += 1
        agrees = _agrees(would, did)
        if agrees is not None:
            row["agree" if agrees else "differ"] += 1
        if agrees is False and len(examples) < MAX_EXAMPLES:
            examples.append(
                {"report": report["id"], "rule": rule.name, "would": would, "did": did,
                 "asks": asks, "by": report["settled_by"]}
            )  # fmt: skip
    pairs: list[ComparedAct] = [
        {"would": would, "did": did, "count": n} for (would, did), n in sorted(compared.items())
    ]
    return {
        "rules": rules.digest, "since": rfc3339(since), "until": rfc3339(until),
        "reports": min(len(ids), MAX_REPORTS), "more": len(ids) > MAX_REPORTS,
        "unmatched": unmatched, "by_rule": list(by_rule.values()), "compared": pairs,
        "examples": examples,
    }  # fmt: skip


_COUNTS = {LOG: "log", JOIN: "join", DISMISS: "dismiss", ASK: "ask"}


def _each(connection: Connection, ids: list[int]) -> Iterator[tuple[ReportWithFindings, bool]]:
    """The reports in order, each with whether it could not be read."""
    for start in range(0, len(ids), _AT_ONCE):
        some = ids[start : start + _AT_ONCE]
        rows = store.named(connection, some)
        for report in views.with_findings(connection, some):
            id_ = read_report_id(report["id"])
            assert id_ is not None, "the desk's own id"
            yield report, rows[id_].unread is not None


def _facts(report: ReportWithFindings) -> ReportFacts:
    return ReportFacts(
        channel=report["channel"], format=report["format"], reporter=report["reporter"],
        category=report["category"], addresses=tuple(report["addresses"]),
        repeats_id=report["same_id_as"] is not None,
    )  # fmt: skip


def _row(rule: Rule) -> RuleTrial:
    return {
        "rule": rule.name, "owner": rule.owner, "log": 0, "join": 0, "dismiss": 0, "ask": 0,
        "agree": 0, "differ": 0,
    }  # fmt: skip


def _did(report: ReportWithFindings) -> str:
    """What became of the report: its state; `rule` if a rule settled it, and no person."""
    by = report["settled_by"]
    return "rule" if by is not None and by.startswith(person_name.RULE) else report["state"]


def _agrees(would: str, did: str) -> bool | None:
    """Whether people came to the same; None if the rule or the people did not decide."""
    if would == ASK or did not in store.SETTLED:
        return None
    return (did in store.LED) is (would in {LOG, JOIN})
