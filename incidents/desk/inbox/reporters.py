"""The desk's own action on reporters: give one a standing, with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.record.report_events import ReporterMarked
from incidents.store.inbox import reporters, reports
from incidents.store.inbox.reporters import Reporter

Clock = Callable[[], datetime]


def mark(
    connection: Connection, reporter: str, standing: str, reason: str, *, by: str,
    login: str | None, clock: Clock,
) -> None:  # fmt: skip
    """Give the reporter a standing, one of `reporters.STANDINGS`.

    `reporter`: the address, or else the name, as a reading has it. It is sealed with the reason:
    the record names the reporter by a key that nobody can read. Their reports that wait for the
    desk move to another place in the list.
    """
    place = own_stream.place(connection, clock)
    key = reports.reporter_key(connection, reporter)
    words = json.dumps({"reporter": reporter, "reason": reason}, ensure_ascii=False)
    event = own_stream.record(
        connection, place, ReporterMarked, by, login, reason=words, reporter=key, standing=standing
    )
    reporters.save(connection, Reporter(key, standing, place.now, by, event.text))
    reports.rank_again(connection, key, standing)
