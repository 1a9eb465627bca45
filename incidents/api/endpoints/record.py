"""The record over HTTP: entries, exports, bundles of entries with their proofs, and case files."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from fastapi import Depends, Query
from starlette.responses import Response, StreamingResponse

from incidents.api import bodies
from incidents.api.authentication import ReadCaller
from incidents.api.caller import Caller
from incidents.api.limits import BUNDLING
from incidents.api.operation import ALONE, TEXT, answering, pieces, router
from incidents.api.parameters import OptionalTime, SiteName
from incidents.audit import export
from incidents.audit.log import sequencer
from incidents.audit.proof import bundle_writer
from incidents.audit.proof.bundle_archive import ARCHIVE
from incidents.errors import FileError, InputError
from incidents.store.cases import sites
from incidents.store.database.replica import ReplicaReadError
from incidents.store.log import leaves
from incidents.values import inputs
from incidents.views.case import case_report

routes = router("record")

NDJSON = "application/x-ndjson"
AT_ONCE = 500
"""The maximum number of entries in memory at a time."""

_HEADERS = {"Cache-Control": "no-store"}


@routes.get(
    "/entries", response_class=StreamingResponse, **answering("export", "The entries.", NDJSON)
)
def entries(
    by: ReadCaller,
    after: Annotated[
        int, Query(ge=0, le=10**15, description="The position of the last known entry.")
    ] = 0,
    limit: Annotated[
        int | None, Query(ge=1, description="Maximum number of entries. Default: all.")
    ] = None,
) -> StreamingResponse:
    """Stream the record's entries after a position (NDJSON), one `{"position":N,"entry":…}` a line.

    A position is an entry's number in the log, from 1, and never changes. If you continue from the
    last position that you received, you miss no entry, in whatever order transactions end. Entries
    are byte for byte as stored; texts that people wrote are not included.
    """
    sequencer.number_all(by.app.engine)
    return StreamingResponse(_lines(by, after, limit), media_type=NDJSON, headers=_HEADERS)


@routes.get(
    "/export", response_class=StreamingResponse,
    **answering("export", "The entries.", "application/jsonl", "text/csv"),
)  # fmt: skip
def exported(
    by: ReadCaller,
    form: Annotated[Literal["jsonl", "csv"], Query(alias="format")] = "jsonl",
    site: Annotated[str | None, Query(max_length=300)] = None,
    since: OptionalTime = None,
    until: OptionalTime = None,
) -> StreamingResponse:
    """Download entries as they are stored, in the order in which they were written."""
    wanted = _selection(by, site, since, until)
    kind = "text/csv" if form == "csv" else "application/jsonl"
    named = {"Content-Disposition": f'attachment; filename="incidents.{form}"'}
    write = export.write_csv if form == "csv" else export.jsonl
    told = export.buffered(by.reading, wanted, write)
    return StreamingResponse(told, media_type=kind, headers={**_HEADERS, **named})


def _lines(by: Caller, after: int, limit: int | None) -> Iterator[bytes]:
    """Yield the lines of an export in short transactions, so that a slow client keeps none open."""
    left = limit
    while left is None or left > 0:
        most = AT_ONCE if left is None else min(AT_ONCE, left)
        try:
            found = _some_lines(by, after, most)
        except ReplicaReadError:
            # A position means the same on the primary, which is read now.
            found = _some_lines(by, after, most)
        yield b"".join(found)
        after += len(found)
        if len(found) < most:
            return
        left = None if left is None else left - len(found)


def _some_lines(by: Caller, after: int, most: int) -> list[bytes]:
    with by.reading() as connection:
        return [
            f'{{"position":{index + 1},"entry":{body}}}\n'.encode()
            for index, body in leaves.bodies(connection, after, most)
        ]


def _selection(
    by: Caller, site: str | None, since: str | None = None, until: str | None = None
) -> export.Selection:
    """Return the selection of entries by site and time; raises InputError or RefusedError."""
    first, last = bodies.read_time(since), bodies.read_time(until)
    if first is not None and last is not None and first >= last:
        raise InputError.coded(
            "nothing_between", "since is not before until: give an earlier since"
        )
    with by.reading() as connection:
        of = None if site is None else int(sites.named(connection, inputs.site(site))["id"])
    return export.Selection(site_id=of, since=first, until=last)


WithWords = Annotated[
    bool,
    Query(description="Include texts with their salts. Needs `reveal`; goes on record."),
]
ZSTD = "application/zstd"


def _turn() -> Iterator[None]:
    """Hold the lock until the archive is sent: until then, each archive takes disk space."""
    with BUNDLING.taken():
        yield


@routes.get(
    "/bundle", response_class=StreamingResponse, dependencies=[Depends(_turn)],
    **answering(
        "export", "Tar under Zstandard.", ZSTD, schema={**TEXT, "format": "binary"}, slowed=True
    ),
)  # fmt: skip
def whole(
    by: ReadCaller,
    site: Annotated[str | None, Query(max_length=300)] = None,
    since: OptionalTime = None,
    until: OptionalTime = None,
    with_words: WithWords = False,
) -> StreamingResponse:
    """Download the entries of the last checkpoint, with all their proofs, as a `.tar.zst`.

    Anybody can verify the archive offline, without trusting the desk: `incidents audit verify
    FILE`. An archive of a part of the record has a proof for each entry; the archive of one site
    also has the site's case file. The archive is complete before the download begins. Only one
    request at a time can create and download an archive.
    """
    if with_words and site is None:
        raise InputError.coded(
            "words_want_site", "with_words needs site: only a site's report has texts"
        )
    wanted = _selection(by, site, since, until)
    if site is not None:
        by.reveals(inputs.site(site), wanted=with_words)
    order = case_report.order(wanted, zone=by.zone, with_words=with_words)
    file = _archive(by, order)
    named = {"Content-Disposition": f'attachment; filename="incidents{ARCHIVE}"'}
    return StreamingResponse(pieces(file), media_type=ZSTD, headers={**ALONE, **named})


@routes.get(
    "/sites/{site}/report", response_class=Response,
    **answering("export", "A self-contained page.", "text/html", slowed=True),
)  # fmt: skip
def report(
    by: ReadCaller,
    site: SiteName,
    with_words: WithWords = False,
) -> Response:
    """Return a site's case file: its history, the rules applied, and the proof of each entry.

    The case file covers the entries of the last checkpoint.
    """
    wanted = _selection(by, site)
    by.reveals(inputs.site(site), wanted=with_words)
    draw = case_report.drawer(zone=by.zone, with_words=with_words)
    with by.spending(), BUNDLING.taken(), by.reading() as connection:
        page = bundle_writer.report(connection, wanted, draw)
    return Response(page, media_type="text/html", headers=ALONE)


def _archive(by: Caller, order: bundle_writer.Order) -> BinaryIO:
    """Return the open archive, already unlinked: closing the file frees its space."""
    folder = Path(tempfile.mkdtemp(prefix="incidents-"))
    try:
        target = folder / f"incidents{ARCHIVE}"
        with by.spending(), by.reading() as connection:
            bundle_writer.write(connection, target, order)
        return target.open("rb")
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileError(file="the archive", done="written", detail=detail) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
