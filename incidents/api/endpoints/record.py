"""The record over HTTP: its entries from a position on, as they grow, and exports of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from sqlalchemy import Connection
from starlette.responses import StreamingResponse

from incidents.api import bodies
from incidents.api.caller import Caller
from incidents.api.entrance import looker
from incidents.api.operation import operation, router
from incidents.audit import export
from incidents.audit.export import Selection
from incidents.audit.log import sequencer
from incidents.errors import InputError
from incidents.store.cases import sites
from incidents.store.record import leaves
from incidents.values import inputs

routes = router("record")

Looking = Annotated[Caller, Depends(looker)]
When = Annotated[str | None, Query(max_length=64, description="RFC 3339, with its offset.")]
NDJSON = "application/x-ndjson"
AT_ONCE = 500
"""So many entries are held in memory at a time."""

_TEXT = {"type": "string"}
_HEADERS = {"Cache-Control": "no-store"}


def _operation(*kinds: str) -> dict[str, Any]:
    found = operation("export")
    content = {kind: {"schema": _TEXT} for kind in kinds}
    found["responses"][200] = {"description": "The entries.", "content": content}
    return found


@routes.get("/entries", response_class=StreamingResponse, **_operation(NDJSON))
def entries(
    by: Looking,
    after: Annotated[int, Query(ge=0, le=10**15, description="So many are known already.")] = 0,
    limit: Annotated[int | None, Query(ge=1, description="At most so many; none: all.")] = None,
) -> StreamingResponse:
    """The record's entries after a position, as NDJSON: `{"position":N,"entry":…}` on each line.

    A position is an entry's number in the log, from 1, and never changes: who asks again with the
    last one misses nothing, in whatever order transactions end. An entry stands there to the byte
    as it is stored; people's own words are not in it.
    """
    sequencer.number_all(by.house.engine)
    return StreamingResponse(_lines(by, after, limit), media_type=NDJSON, headers=_HEADERS)


@routes.get(
    "/export", response_class=StreamingResponse, **_operation("application/jsonl", "text/csv")
)
def exported(
    by: Looking,
    form: Annotated[Literal["jsonl", "csv"], Query(alias="format")] = "jsonl",
    site: Annotated[str | None, Query(max_length=300)] = None,
    since: When = None,
    until: When = None,
) -> StreamingResponse:
    """Entries to download, as they are stored, in the order in which they were written."""
    first, last = bodies.read_time(since), bodies.read_time(until)
    if first is not None and last is not None and first >= last:
        raise InputError("nothing lies between since and until: since must be the earlier")
    with by.reading() as connection:
        of = None if site is None else sites.named(connection, inputs.site(site))["id"]
    wanted = Selection(site_id=of, since=first, until=last)
    kind = "text/csv" if form == "csv" else "application/jsonl"
    named = {"Content-Disposition": f'attachment; filename="incidents.{form}"'}
    write = export.write_csv if form == "csv" else export.jsonl
    told = export.for_a_slow_reader(by.reading, wanted, write)
    return StreamingResponse(told, media_type=kind, headers={**_HEADERS, **named})


def _lines(by: Caller, after: int, limit: int | None) -> Iterator[bytes]:
    """In transactions of their own, so that a slow reader holds none open."""
    left = limit
    while left is None or left > 0:
        most = AT_ONCE if left is None else min(AT_ONCE, left)
        with by.reading() as connection:
            found = _some(connection, after, most)
        yield b"".join(found)
        after += len(found)
        if len(found) < most:
            return
        left = None if left is None else left - len(found)


def _some(connection: Connection, after: int, most: int) -> list[bytes]:
    return [
        f'{{"position":{index + 1},"entry":{body}}}\n'.encode()
        for index, body in leaves.bodies(connection, after, most)
    ]
