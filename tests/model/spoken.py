"""The machine's commands given to the naive model, and the case in its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from incidents.machine import commands as c
from incidents.machine import filing
from incidents.machine.case import Case
from incidents.machine.filing import FOOTER, SUSPICION
from incidents.machine.policy import Policy
from incidents.machine.rules import unreachable_rules
from tests.model import naive

Seen = dict[str, Any]

OF_FILING = frozenset({*filing.TERMS, SUSPICION, FOOTER})
"""The kinds of the tasks that the model knows nothing of."""


def apply(desk: naive.NaiveDesk, site: str, command: c.Command, now: datetime) -> str | None:
    """Do the command on the model at `now` (the machine's clock); return a refusal's name."""
    try:
        if isinstance(command, c.Elapse):
            desk.elapse_site(site, now)
        elif isinstance(command, c.AddSite):
            desk.add_site(site, now)
        else:
            act, said = _ACTS[type(command)]
            getattr(desk, act)(site, now=now, by=command.by, **said(command))
    except naive.Refused as refused:
        return refused.name
    return None


def counted(command: c.Command, case: Case | None) -> c.Command | None:
    """The command as the model has it, None if it has no such act.

    It knows no claims, details, files, notes, filings and orders: of the tasks of `case`, as it
    stands after the command, it has those that are of no filing, and counts these alone.
    """
    if isinstance(command, c.CompleteTask) and case is not None and command.task in case.tasks:
        if case.tasks[command.task].kind in OF_FILING:
            return None
        return replace(command, task=1 + _tasks(case).index(command.task))
    if isinstance(command, c.Elapse | c.AddSite) or type(command) in _ACTS:
        return command
    return None


def note(
    desk: naive.NaiveDesk, site: str, command: c.Command, now: datetime, *, acted: bool
) -> None:
    """Do what is due and record that the command `acted`: the model has no act for it."""
    desk.elapse_site(site, now)
    if acted:
        desk.note(site, now, command.by)


def of_case(case: Case, policy: Policy) -> Seen:
    """A whole case, with all its history, as `of_model` shows the same site."""
    return {
        "site": _site(case, policy),
        "incidents": [_incident(case, n) for n in sorted(case.incidents)],
        "suspensions": [_suspension(case, n) for n in sorted(case.suspensions)],
        "tasks": [_task(case, n) for n in _tasks(case)],
    }


def of_model(desk: naive.NaiveDesk, site: str) -> Seen:
    """All that the model shows of a site."""
    return {
        "site": desk.site(site),
        "incidents": [
            desk.incident(site, n + 1) for n in range(len(desk.sites[site].incidents))
        ],
        # It keeps a case's incidents in the order in which they joined it.
        "suspensions": [
            {**seen, "incidents": sorted(seen["incidents"])} for seen in desk.suspensions(site)
        ],
        "tasks": desk.tasks(site),
    }  # fmt: skip


def _site(case: Case, policy: Policy) -> Seen:
    return {
        "state": case.state,
        "rule": case.rule,
        "suspended_until": case.suspended_until,
        "run": unreachable_rules.run(case, policy),
        "disputed": case.disputed,
        "held": case.held,
        "closed_at": case.closed_at,
    }


def _incident(case: Case, n: int) -> Seen:
    incident = case.incidents[n]
    return {
        "state": incident.state,
        "occurred_at": incident.occurred_at,
        "recorded_at": incident.recorded_at,
        "contact_due": case.contact_due(incident),
        "contacts": [
            {"outcome": x.outcome, "occurred_at": x.occurred_at, "voided": not x.stands}
            for x in incident.contacts
        ],
    }


def _suspension(case: Case, n: int) -> Seen:
    suspension = case.suspensions[n]
    return {
        "started": suspension.made_at,
        "due": suspension.due,
        "until": suspension.until,
        "ended": None if suspension.closed else suspension.ended_at,
        "struck": suspension.struck,
        "closed": suspension.closed,
        "incidents": sorted(i.n for i in case.incidents.values() if i.suspension == n),
    }


def _tasks(case: Case) -> list[int]:
    return [n for n in sorted(case.tasks) if case.tasks[n].kind not in OF_FILING]


def _task(case: Case, n: int) -> Seen:
    task = case.tasks[n]
    # The model does not say which window closed the site: several may be met at once.
    about = [] if task.kind == "tell" else sorted(task.incidents)
    return {"kind": task.kind, "incidents": about, "done": task.done_at is not None}


_Said = Callable[[Any], dict[str, Any]]

_ACTS: dict[type[c.Command], tuple[str, _Said]] = {
    c.Log: ("log", lambda x: {"at": x.at, "urls": x.urls, "again": x.again}),
    c.Recur: ("recur", lambda x: {"incident": x.incident, "at": x.at, "again": x.again}),
    c.ImportIncident: (
        "bring_in",
        lambda x: {
            "at": x.at, "urls": x.urls, "contact": x.contact, "contact_at": x.contact_at,
            "removed_at": x.removed_at,
        },
    ),
    c.RecordContact: (
        "contact", lambda x: {"incident": x.incident, "outcome": x.outcome, "at": x.at},
    ),
    c.VoidContact: ("void_contact", lambda x: {"incident": x.incident, "contact": x.contact}),
    c.VoidIncident: ("void", lambda x: {"incident": x.incident}),
    c.StateRemoved: ("removed", lambda x: {"incident": x.incident, "at": x.at}),
    c.StateRefused: ("refused", lambda x: {"incident": x.incident, "at": x.at}),
    c.TakeBack: ("take_back", lambda x: {"incident": x.incident}),
    c.StateFalse: ("false_info", lambda _: {}),
    c.ConfirmClosure: ("confirm_closure", lambda _: {}),
    c.DeclineClosure: ("decline_closure", lambda _: {}),
    c.SetHold: ("hold", lambda _: {}),
    c.LiftHold: ("unhold", lambda _: {}),
    c.AskReinstatement: ("reinstate", lambda _: {}),
    c.Approve: ("approve", lambda _: {}),
    c.Decline: ("decline", lambda _: {}),
    c.Uphold: ("uphold", lambda _: {}),
    c.CompleteTask: ("done", lambda x: {"task": x.task}),
    c.StateReported: ("reported", lambda x: {"incident": x.incident, "at": x.at}),
    c.SayRemoved: ("say_removed", lambda x: {"incident": x.incident}),
}  # fmt: skip
