"""What a person who opens a report again has to know: what stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

from incidents.clock import read_rfc3339
from incidents.contract.documents.reports import ReportInFull
from incidents.inbox.answering import OUTCOMES
from incidents.machine.refusal import Remark
from incidents.store.inbox.reports import LOGGED


def remarks(before: ReportInFull, incident_state: str | None) -> Iterator[Remark]:
    """The remarks on the act: of a report as it is before, and the state of the incident it led to.

    That incident stays, unless it is void; and no mail that was sent is taken back.
    """
    report, incident = before["id"], before["incident"]
    if incident is not None and incident_state != "voided":
        cause = "logged" if before["state"] == LOGGED else "joined"
        yield Remark("incident_stays", {"cause": cause, "report": report, "incident": incident})
    for told in before["told"]:
        if told["letter"] in OUTCOMES and told["problem"] is None:
            facts = {"report": report, "letter": told["letter"]}
            yield Remark("reporter_told", {**facts, "at": read_rfc3339(told["told_at"])})
