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


def download(pieces: Iterator[bytes], report: str, n: int | None) -> Response:
    """A response that a browser saves under a name of ours, and neither runs nor shows."""
    name = report if n is None else f"{report}-{n}"
    headers = {**ALONE, "Content-Disposition": f'attachment; filename="{name}.bin"'}
    return StreamingResponse(pieces, media_type=_OCTETS, headers=headers)


def _download(
    by: Caller, report: str, n: int | None = None, *, reason: str | None = None
) -> Response:  # fmt: skip
    id_ = inputs.report(report)
    if by.dry_run:
        raise problems.unprocessable("no_dry_run", "nothing was done: this has no dry run")
    to = caller.recipient(by.identity, reason)
    return download(by.app.report_sources.pieces(id_, n, to), report_id(id_), n)
