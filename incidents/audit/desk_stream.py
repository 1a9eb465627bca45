"""The desk's own stream: the activations of policies on record, against the tables of policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from incidents.audit.entry import DESK, Header, PolicyActivated, decode
from incidents.audit.finding import Finding, compare
from incidents.audit.fold import UNREADABLE, said
from incidents.audit.rows import Row, writers, written
from incidents.audit.stream import Stream
from incidents.machine import policy
from incidents.machine.policy import DOCUMENTED
from incidents.store.tables import DESK_STREAM, desk, entries, policies

NAME = "the desk"
"""How the stream is called where a site's name would stand."""

_SEQ, _BODY = 2, 4
_ONLY = 1


def findings(connection: Connection, rows: Iterable[Row]) -> Iterator[Finding]:
    """What differs between the activations on record and the policies in the tables."""
    made: dict[str, Row] = {
        DOCUMENTED.digest: (DOCUMENTED.digest, DOCUMENTED.toml(), None, None, None)
    }
    active, seq = DOCUMENTED.digest, 0
    for row in rows:
        try:
            event = _activation(row, seq + 1, active)
        except UNREADABLE as error:
            yield Finding(
                site=NAME, table=entries.name, row=f"{DESK_STREAM}-{row[_SEQ]}",
                problem="impossible_entry", found=said(error),
            )  # fmt: skip
            return
        active, seq = event.policy, seq + 1
        first = (active, event.toml, event.recorded_at, event.by, event.text)
        made.setdefault(active, first)
    yield from _compare(connection, made, (_ONLY, active, seq))


def _activation(row: Row, seq: int, active: str) -> PolicyActivated:
    header, event = decode(row[_BODY])
    if header != Header(site=DESK, site_id=DESK_STREAM, site_seq=row[_SEQ], login=header.login):
        raise ValueError(f"it says that it is {header.site_id}-{header.site_seq}")
    if row[_SEQ] != seq:
        raise ValueError(f"entry {seq} is missing")
    if not isinstance(event, PolicyActivated):
        raise TypeError(f"{event.kind} is no act of the desk")
    if event.previous != active:
        raise ValueError(f"the active policy is {active}, and it says {event.previous}")
    if policy.read(event.toml).digest != event.policy:
        raise ValueError(f"the policy in it is not {event.policy}")
    return event


def _compare(connection: Connection, made: dict[str, Row], only: Row) -> Iterator[Finding]:
    dialect = connection.dialect.name
    for table, rows in ((policies, made.values()), (desk, (only,))):
        expected = sorted(written(rows, writers(table, dialect)))
        yield from compare(NAME, table, iter(expected), Stream(connection, table).rest(), dialect)
