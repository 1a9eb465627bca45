"""What a person who opens a report again has to know: what stays as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from incidents.clock import read_rfc3339
from incidents.contract.documents.reports import ReportInFull
from incidents.inbox.answering import OUTCOMES
from incidents.machine.refusal import Remark
from incidents.store.inbox.reports import LOGGED


def remarks(before: ReportInFull, stay: Mapping[str, str]) -> Iterator[Remark]:
    """The remarks on the act: of a report as it is before.

    `stay`: the IDs of the incidents to which it led that are not void, each with the state by which
    it led there. They stay; and no mail that was sent is taken back.
    """
    report = before["id"]
    for incident, how in stay.items():
        cause = "logged" if how == LOGGED else "joined"
        yield Remark("incident_stays", {"cause": cause, "report": report, "incident": incident})
    for told in before["told"]:
        if told["letter"] in OUTCOMES and told["problem"] is None:
            facts = {"report": report, "letter": told["letter"]}
            yield Remark("reporter_told", {**facts, "at": read_rfc3339(told["told_at"])})
