"""Reports for tests: what came in, and what a person does with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from incidents.desk import Answer, Desk, Envelope
from incidents.desk.inbox import receiving, reopening, reports
from incidents.desk.inbox.receiving import Incoming, Received
from incidents.desk.inbox.reports import LeadToIncident
from incidents.machine import commands as c
from incidents.record.report_events import ReportJoined, ReportLogged


class OfDesk(Protocol):
    """A desk and its time: a `Rehearsal`, or a `Day`."""

    @property
    def desk(self) -> Desk: ...

    @property
    def now(self) -> datetime: ...


ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


def incoming(digest: str, **facts: Any) -> Incoming:
    known: dict[str, Any] = {
        "size": 10, "channel": "command", "format": "mail", "reading": {"text": "call +86 10 5555"},
    }  # fmt: skip
    return Incoming(digest=digest, **{**known, **facts})


def receive(day: OfDesk, *new: Incoming) -> list[Received]:
    return day.desk.on_record(
        partial(receiving.receive, incoming=new, by="li", login="desk1", clock=lambda: day.now)
    )


def lead(
    day: OfDesk, kind: type[ReportLogged | ReportJoined], report: int,
    names: Sequence[str] | None = None,
) -> LeadToIncident:  # fmt: skip
    """`names`: the sites that the report is about, for which it stays open."""
    digest = TWO if report == 2 else ONE
    evidence = (digest, 10, f"r{report}.eml") if kind is ReportLogged else None

    def others(done: Sequence[str]) -> list[str]:
        return [each for each in names or () if each not in done]

    return LeadToIncident(
        report=report, kind=kind, by="li", login="desk1", clock=lambda: day.now, evidence=evidence,
        others=None if names is None else others,
    )  # fmt: skip


def log(day: OfDesk, report: int, site: str = "a.example", key: str | None = None,
        names: Sequence[str] | None = None, **of: Any) -> Sequence[Answer]:  # fmt: skip
    envelope = Envelope(site=site, command=c.Log(by="li", **of), login="desk1", key=key)
    return day.desk.submit([envelope], sequel=lead(day, ReportLogged, report, names))


def dismiss(day: OfDesk, report: int, **how: Any) -> None:
    known: dict[str, Any] = {"reason": "nothing there", "not_ours": False}
    day.desk.on_record(
        partial(
            reports.dismiss, report=report, by="li", login="desk1", clock=lambda: day.now,
            **{**known, **how},
        )
    )  # fmt: skip


def reopen(day: OfDesk, report: int, reason: str = "a mistake", by: str = "wang") -> None:
    day.desk.on_record(
        partial(
            reopening.reopen, report=report, reason=reason, by=by, login="desk1",
            clock=lambda: day.now,
        )
    )  # fmt: skip
