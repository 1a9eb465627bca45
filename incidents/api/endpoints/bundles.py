"""The bundles over HTTP: the record with all that proves it, and the report of a case."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path as File
from typing import Annotated, BinaryIO

from fastapi import Depends, Path, Query
from starlette.responses import Response, StreamingResponse

from incidents.api import bodies
from incidents.api.caller import Caller
from incidents.api.entrance import looker
from incidents.api.limits import BUNDLING
from incidents.api.operation import ALONE, answering, router
from incidents.audit.bundle import writer
from incidents.audit.bundle.target import ARCHIVE
from incidents.audit.bundle.writer import Order
from incidents.audit.export import Selection
from incidents.errors import FileError, InputError
from incidents.store.cases import sites
from incidents.values import inputs
from incidents.views.case_file import page as case_report

routes = router("record")

Looking = Annotated[Caller, Depends(looker)]
When = Annotated[str | None, Query(max_length=64, description="RFC 3339, with its offset.")]
WithWords = Annotated[
    bool,
    Query(description="People's own words, with their salts: needs `reveal`; goes on record."),
]
ZSTD = "application/zstd"
_PIECE = 2**18


def _turn() -> Iterator[None]:
    """Held until the last piece has gone out: each archive lies on the disk as long."""
    with BUNDLING.taken():
        yield


@routes.get(
    "/bundle", response_class=StreamingResponse, dependencies=[Depends(_turn)],
    **answering(
        "export", ZSTD, {"type": "string", "format": "binary"}, "Tar under Zstandard.", slowed=True
    ),
)  # fmt: skip
def whole(
    by: Looking,
    site: Annotated[str | None, Query(max_length=300)] = None,
    since: When = None,
    until: When = None,
    with_words: WithWords = False,
) -> StreamingResponse:
    """The entries that the last checkpoint covers, with all that proves them, as a `.tar.zst`.

    It is for somebody who trusts nobody, and offline: `incidents audit verify FILE`. A part of the
    record comes with a proof for each entry, that of one site with its report as well. The archive
    is made before the answer begins, and one at a time is made and taken away.
    """
    if with_words and site is None:
        raise InputError("people's own words stand in a site's report: with_words wants site")
    first, last = bodies.read_time(since), bodies.read_time(until)
    if first is not None and last is not None and first >= last:
        raise InputError("nothing lies between since and until: since must be the earlier")
    name = None if site is None else inputs.site(site)
    wanted = Selection(site_id=_id(by, name), since=first, until=last)
    if with_words:
        by.reveals(str(name))
    order = case_report.order(wanted, zone=by.zone, with_words=with_words)
    file = _archive(by, order)
    headers = {"Content-Disposition": f'attachment; filename="incidents{ARCHIVE}"'}
    return StreamingResponse(_pieces(file), media_type=ZSTD, headers={**ALONE, **headers})


@routes.get(
    "/sites/{site}/report", response_class=Response,
    **answering(
        "export", "text/html", {"type": "string"}, "A page that needs nothing else.", slowed=True
    ),
)  # fmt: skip
def report(
    by: Looking,
    site: Annotated[str, Path(max_length=300, description="A site's name.")],
    with_words: WithWords = False,
) -> Response:
    """The report of a case: what happened to a site, by which rule, and where it is proved.

    It tells the entries that the last checkpoint covers.
    """
    name = inputs.site(site)
    wanted = Selection(site_id=_id(by, name))
    if with_words:
        by.reveals(name)
    draw = case_report.drawer(zone=by.zone, with_words=with_words)
    with by.spending(), BUNDLING.taken(), by.reading() as connection:
        page = writer.report(connection, wanted, draw)
    return Response(page, media_type="text/html", headers=ALONE)


def _id(by: Caller, site: str | None) -> int | None:
    if site is None:
        return None
    with by.reading() as connection:
        return int(sites.named(connection, site)["id"])


def _archive(by: Caller, order: Order) -> BinaryIO:
    """The archive, opened; its name is gone already, and its bytes go with whoever closes it."""
    folder = File(tempfile.mkdtemp(prefix="incidents-"))
    try:
        target = folder / f"incidents{ARCHIVE}"
        with by.spending(), by.reading() as connection:
            writer.write(connection, target, order)
        return target.open("rb")
    except OSError as error:
        detail = error.strerror or type(error).__name__
        raise FileError(file="the archive", done="written", detail=detail) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
