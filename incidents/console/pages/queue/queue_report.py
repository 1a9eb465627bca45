"""The pane of a report from outside: who reported what, and where to settle it."""

from __future__ import annotations

from incidents.console import rendering
from incidents.console.pages.queue.queue_view import QueueView
from incidents.console.request_context import RequestContext
from incidents.contract.documents.queue import WaitingFinding
from incidents.contract.documents.reports import ReportInFull
from incidents.errors import NoSuchReportError
from incidents.store.inbox import reports as store
from incidents.values.ids import read_report_id, report_id
from incidents.views.inbox import reporters, reports
from incidents.views.queue import waiting_reports


def number(item: str) -> int | None:
    """The number of the report if the item is one, such as `r17`."""
    return read_report_id(item) if item[:1] in {"r", "R"} else None


def pane(who: RequestContext, report: int, view: QueueView) -> str:
    """Render the pane of the report, and of those that name the same host."""
    id_ = report_id(report)
    found: ReportInFull | None = None
    finding: WaitingFinding | None = None
    reporter = None
    with who.timed() as (connection, here):
        waiting = waiting_reports.waiting(connection, here.reader.now, who.app.triage_within)
        finding = next((each for each in waiting["items"] if each["id"] == id_), None)
        try:
            found = reports.report(connection, report, here.reader.spoken)
        except NoSuchReportError:
            found = None
        if found is not None and found["reporter"] is not None:
            reporter = reporters.reporter(connection, found["reporter"])
        reader = here.reader
    waits = found is not None and found["state"] in store.WAITING
    others = who.request.app.state.changes.presence.note(id_, who.by) if waits else []
    return rendering.render(
        "queue/queue_report", reader, report=found, finding=finding, waits=waits, id=id_,
        reporter=reporter, view=view, others=reader.spoken.comma.join(others),
    )  # fmt: skip
