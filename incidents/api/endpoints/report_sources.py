"""The bytes of reports over HTTP, as they came; what may show child abuse only for a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Path
from starlette.responses import Response, StreamingResponse

from incidents.api import bodies, caller, problems
from incidents.api.authentication import ActionCaller, ReadCaller
from incidents.api.caller import Caller
from incidents.api.endpoints.reports import Id
from incidents.api.operation import ALONE, answering, router
from incidents.values import inputs
from incidents.values.ids import report_id

routes = router("reports")

Number = Annotated[int, Path(ge=1, le=10_000, description="The number of the attachment, from 1.")]
SnapshotNumber = Annotated[
    int, Path(ge=1, le=1_000_000, description="The number of the snapshot, from 1.")
]
_BYTES = {"type": "string", "format": "binary"}
_OCTETS = "application/octet-stream"


class Opening(bodies.Form):
    """Why somebody needs the bytes of a sealed report."""

    reason: bodies.Text


@routes.get(
    "/reports/{report}/source",
    **answering("reveal", "The report's bytes.", _OCTETS, schema=_BYTES),
)
def source_of_report(by: ReadCaller, report: Id) -> Response:
    """Return the bytes of a report as they came; the viewing goes on record.

    A report that may show child abuse is sealed (403): open it instead.
    """
    return _download(by, report)


@routes.get(
    "/reports/{report}/attachments/{n}",
    **answering("reveal", "The attachment's bytes.", _OCTETS, schema=_BYTES),
)
def attachment_of_report(by: ReadCaller, report: Id, n: Number) -> Response:
    """Return the bytes of an attachment as they came; the viewing goes on record.

    An attachment of a report that may show child abuse is sealed (403): open it instead.
    """
    return _download(by, report, n)


@routes.get(
    "/reports/{report}/snapshots/{n}/screenshot",
    **answering("reveal", "The picture of the page, a PNG.", "image/png", schema=_BYTES),
)
def screenshot_of_report(by: ReadCaller, report: Id, n: SnapshotNumber) -> Response:
    """Return the picture of a page that a report names; the viewing goes on record.

    That of a report that may show child abuse is sealed (403): open it instead.
    """
    return _screenshot(by, report, n)


@routes.post(
    "/reports/{report}/source/open",
    **answering("open_sealed", "The report's bytes.", _OCTETS, schema=_BYTES, acting=True),
)
def open_source(by: ActionCaller, report: Id, words: Opening) -> Response:
    """Return the bytes of a sealed report: the opening and the reason go on record."""
    return _download(by, report, reason=inputs.text("reason")(words.reason))


@routes.post(
    "/reports/{report}/attachments/{n}/open",
    **answering("open_sealed", "The attachment's bytes.", _OCTETS, schema=_BYTES, acting=True),
)
def open_attachment(by: ActionCaller, report: Id, n: Number, words: Opening) -> Response:
    """Return the bytes of a sealed attachment: the opening and the reason go on record."""
    return _download(by, report, n, reason=inputs.text("reason")(words.reason))


@routes.post(
    "/reports/{report}/snapshots/{n}/screenshot/open",
    **answering(
        "open_sealed", "The picture of the page, a PNG.", "image/png", schema=_BYTES, acting=True
    ),
)
def open_screenshot(by: ActionCaller, report: Id, n: SnapshotNumber, words: Opening) -> Response:
    """Return the picture of a page that is sealed: the opening and the reason go on record."""
    return _screenshot(by, report, n, reason=inputs.text("reason")(words.reason))


def png(content: bytes, report: str, n: int) -> Response:
    """A response with a page's picture as it was taken, which a browser saves."""
    name = f"{report}-screenshot-{n}.png"
    headers = {**ALONE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="image/png", headers=headers)


def download(pieces: Iterator[bytes], report: str, n: int | None) -> Response:
    """A response that a browser saves under a name of ours, and neither runs nor shows."""
    name = report if n is None else f"{report}-{n}"
    headers = {**ALONE, "Content-Disposition": f'attachment; filename="{name}.bin"'}
    return StreamingResponse(pieces, media_type=_OCTETS, headers=headers)


def _screenshot(by: Caller, report: str, n: int, *, reason: str | None = None) -> Response:
    id_ = inputs.report(report)
    _refuse_dry_run(by)
    to = caller.recipient(by.identity, reason)
    return png(by.app.report_sources.screenshot(id_, n, to), report_id(id_), n)


def _refuse_dry_run(by: Caller) -> None:
    if by.dry_run:
        raise problems.unprocessable("no_dry_run", "nothing was done: this has no dry run")


def _download(
    by: Caller, report: str, n: int | None = None, *, reason: str | None = None
) -> Response:  # fmt: skip
    id_ = inputs.report(report)
    _refuse_dry_run(by)
    to = caller.recipient(by.identity, reason)
    return download(by.app.report_sources.pieces(id_, n, to), report_id(id_), n)
