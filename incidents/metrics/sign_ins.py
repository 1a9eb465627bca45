"""The sign-ins' metrics: who has signed in or failed to, and what was refused, in counts alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, select

from incidents.metrics.labels import REASONS, RESULTS, counted
from incidents.metrics.limit import MOST, first
from incidents.metrics.samples import Samples
from incidents.store.account_tables import refusals, sign_ins

LATELY = timedelta(hours=1)


def look(connection: Connection, now: datetime, into: Samples) -> None:
    """Two queries, along the indexes of when it was."""
    found = connection.execute(_BY_RESULT, {"since": now - LATELY}).all()
    results = counted([(row.result, row.sign_ins) for row in found], RESULTS)
    for result, count in results.items():
        into.put("incidents_sign_ins_last_hour", count, result)
    into.put_capped("sign_ins_last_hour", capped=sum(results.values()) >= MOST)
    found = connection.execute(_BY_REASON, {"today": now.date().isoformat()}).all()
    for reason, count in counted([(row.why, row.refused) for row in found], REASONS).items():
        into.put("incidents_refusals_today", count, reason)
    into.put_capped("refusals_today", capped=sum(row.kinds for row in found) >= MOST)


_since: ColumnElement[Any] = bindparam("since", type_=sign_ins.c.at.type)
_lately = (
    select(sign_ins.c.result)
    .where(sign_ins.c.at > _since, sign_ins.c.what != "sign_out")
    .limit(first(MOST))
    .subquery("lately")
)
_BY_RESULT = select(_lately.c.result, func.count().label("sign_ins")).group_by(_lately.c.result)

# The day is the first part of the key.
_today = (
    select(refusals.c.why, refusals.c.count)
    .where(refusals.c.day == bindparam("today"))
    .limit(first(MOST))
    .subquery("today")
)
_BY_REASON = select(
    _today.c.why, func.sum(_today.c.count).label("refused"), func.count().label("kinds")
).group_by(_today.c.why)
