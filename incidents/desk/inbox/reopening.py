"""The desk's own action that opens a settled report again, so that it waits like a new one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.errors import NoSuchReportError, RefusedError
from incidents.record.report_events import ReportReopened
from incidents.store import entries
from incidents.store.inbox import reopenings, reports
from incidents.store.inbox.reports import Report
from incidents.values.ids import report_id

Clock = Callable[[], datetime]


class ReportWaitsError(RefusedError):
    """report {report} waits for the desk already"""


class ReportErasedError(RefusedError):
    """report {report} was erased: nothing of it is left to decide on"""


def settled(connection: Connection, id_: int) -> Report:
    """The report with that number, which has ended and can be opened again.

    Raises:
        NoSuchReportError: if there is none.
        ReportWaitsError: if it waits for the desk.
        ReportErasedError: if what was read out of it is gone.
    """
    found = reports.named(connection, [id_]).get(id_)
    if found is None:
        raise NoSuchReportError(given=report_id(id_))
    if not found.is_settled:
        raise ReportWaitsError(report=report_id(id_))
    if not entries.values(connection, {found.reading}):
        raise ReportErasedError(report=report_id(id_))
    return found


def reopen(
    connection: Connection, report: int, reason: str, *, by: str, login: str | None, clock: Clock
) -> None:
    """Let the report wait again, with the reason as text; raises the errors of `settled`.

    The incidents that it led to stay as they are; none of them counts for how it ends now.
    """
    place = own_stream.place(connection, clock)
    before = settled(connection, report)
    event = own_stream.record(
        connection, place, ReportReopened, by, login, reason=reason, report=report,
        was=before.state,
    )  # fmt: skip
    reopenings.add(connection, before, place.now, by, event.text)
