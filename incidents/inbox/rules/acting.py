"""The acts of intake rules: each report that matched one is settled once, or left to the desk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from sqlalchemy import Connection

from incidents import clock
from incidents.contract.documents.reports import Report, ReportWithFindings
from incidents.desk.desk import Desk
from incidents.desk.envelope import Answer, Envelope
from incidents.desk.inbox import reports as desk_reports
from incidents.desk.inbox.reports import (
    ByRule,
    LeadToIncident,
    ReportSettledError,
    RuleStoppedError,
)
from incidents.errors import InputError, RefusedError
from incidents.inbox import triage
from incidents.inbox.rules import decision
from incidents.inbox.rules.decision import Act
from incidents.intake import rules_file
from incidents.machine.commands import Command
from incidents.store.database.engine import Reading
from incidents.store.inbox import intake_rules
from incidents.store.inbox import reports as store
from incidents.views.inbox import reports as views

_AT_ONCE = 200
_ATTEMPTS = 3
"""How often the rule decides anew, if something changed between the decision and the act."""


class EnsureSite(Protocol):
    """A function that adds the site to the register, if it is known but not there."""

    def __call__(
        self, name: str, report: Report, /, *, by: str, login: str | None, at: datetime | None
    ) -> None: ...


class _ChangedError(Exception):
    """The incidents of the site have changed meanwhile, so that the rule must decide anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sequel:
    """What follows when a rule logs or joins, unless the rule would now decide otherwise."""

    lead: LeadToIncident
    check: Callable[[Connection], None]

    def commands(self, answers: Sequence[Answer]) -> list[Envelope]:
        """See `transaction.Sequel`."""
        return self.lead.commands(answers)

    def write(self, connection: Connection, answers: Sequence[Answer]) -> None:
        """See `transaction.Sequel`; the row of the site is locked."""
        self.check(connection)
        self.lead.write(connection, answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleDesk:
    """The rules of one desk at work. `login`: of the process that acts for them.

    `ensure_site`: adds a site that the address book knows (see `ReportDesk.ensure_site`).
    """

    desk: Desk
    reading: Reading
    ensure_site: EnsureSite
    login: str | None

    def act(self, *, stopped: Callable[[], bool] = lambda: False) -> Counter[str]:
        """Settle every report on which a rule is still to act, in order; count what was done.

        Each report has a transaction of its own, so that a process that dies leaves each report
        either settled or still to be found here. `stopped` is asked between two reports.
        """
        done: Counter[str] = Counter()
        after = 0
        while True:
            with self.reading() as connection:
                due = store.due(connection, after, _AT_ONCE)
            for id_ in due:
                if stopped():
                    return done
                kind = self._settle(id_)
                if kind is not None:
                    done[kind] += 1
            if len(due) < _AT_ONCE:
                return done
            after = due[-1]

    def _settle(self, id_: int) -> str | None:
        """Settle one report; return what was done, None if it is settled already."""
        for _ in range(_ATTEMPTS):
            with self.reading() as connection:
                row = store.named(connection, [id_])[id_]
                if row.rule is None or row.rules is None or row.is_settled or row.asks:
                    return None
                text = intake_rules.texts(connection, [row.rules])[row.rules]
                rules = rules_file.read(text)
                rule = rules.named(row.rule)
                assert rule is not None, "a rule of these rules matched it"
                report = views.with_findings(connection, [id_])[0]
                now = clock.now()
                act = decision.decide(connection, report, rule, now)
                by_rule = ByRule(rule=rule, rules=row.rules, logs_per_hour=rules.logs_per_hour)
                # Checked again under the lock; here, so that it does not add a site before.
                stop = None if act.kind == "ask" else desk_reports.stops(connection, by_rule, now)
            try:
                asks = stop or self._carry_out(id_, report, act, by_rule)
            except ReportSettledError:
                return None
            except _ChangedError:
                continue
            except RuleStoppedError as stopped:
                asks = str(stopped.facts["asks"])
            except (InputError, RefusedError) as refused:
                asks = refused.name
            if asks is None:
                return act.kind
            return self._leave(id_, asks, by_rule)
        # It is looked at again in the next round.
        return None

    def _carry_out(
        self, id_: int, report: ReportWithFindings, act: Act, by_rule: ByRule
    ) -> str | None:
        """Do it; return why the desk must be asked instead, as a code, or None."""
        signature = by_rule.rule.signature
        if act.kind == "ask":
            return act.asks
        if act.kind == "dismiss":
            self.desk.on_record(
                partial(
                    desk_reports.dismiss, report=id_, reason=by_rule.rule.reason or "",
                    not_ours=False, by=signature, login=self.login, clock=clock.now,
                    by_rule=by_rule,
                )
            )  # fmt: skip
            return None
        command: Command
        if act.command is not None and act.site is not None:
            self.ensure_site(act.site, report, by=signature, login=self.login, at=act.command.at)
            site: str | int = act.site
            command = act.command
        else:
            assert act.site_id is not None, "a site in the register"
            assert act.n is not None, "an incident of the site"
            site = act.site_id
            command = triage.join_command(report, act.n, signature)
        lead = triage.sequel(report, command, self.login, by_rule)
        sequel = _Sequel(lead=lead, check=partial(_check, report=report, act=act, by=by_rule))
        envelope = Envelope(site=site, command=command, login=self.login, unless_closing=True)
        answer = self.desk.submit([envelope], sequel=sequel)[0]
        return None if answer.refusal is None else answer.refusal.name

    def _leave(self, id_: int, asks: str, by_rule: ByRule) -> str | None:
        try:
            self.desk.on_record(
                partial(desk_reports.leave, report=id_, asks=asks, of=by_rule, clock=clock.now)
            )
        except ReportSettledError:
            return None
        return "ask"


def _check(connection: Connection, *, report: ReportWithFindings, act: Act, by: ByRule) -> None:
    now = decision.decide(connection, report, by.rule, clock.now())
    if (now.kind, now.n) != (act.kind, act.n):
        raise _ChangedError
