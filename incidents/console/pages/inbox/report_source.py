"""The source of a report: the file of each attachment, shown or downloaded, each on record.

Also the pictures of the pages that it names.

Nothing of a sender runs or loads here: a text is escaped, a picture is drawn again in a child, and
all other files are only saved.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from incidents.api import caller
from incidents.api.endpoints.report_sources import download, png
from incidents.api.operation import ALONE
from incidents.console.request_context import Viewer, needs
from incidents.console.submission import Submitted
from incidents.errors import NoSuchAttachmentError, NoSuchScreenshotError
from incidents.inbox.children.source_view import plain
from incidents.values import inputs
from incidents.values.ids import report_id
from incidents.views.inbox import reports

router = APIRouter()
_REVEAL, _OPEN = needs("reveal"), needs("open_sealed")

_PICTURE = {
    **ALONE,
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}


@router.get("/reports/{report}/source", dependencies=_REVEAL)
def source(here: Viewer, report: str) -> Response:
    """Download the report's bytes; the viewing goes on record."""
    id_ = inputs.report(report)
    to = caller.recipient(here.identity)
    return download(here.app.report_sources.pieces(id_, None, to), report_id(id_), None)


@router.get("/reports/{report}/attachments/{n}", dependencies=_REVEAL)
def attachment(here: Viewer, report: str, n: int) -> Response:
    """Download the attachment's bytes; the viewing goes on record."""
    id_ = inputs.report(report)
    to = caller.recipient(here.identity)
    return download(here.app.report_sources.pieces(id_, n, to), report_id(id_), n)


@router.get("/reports/{report}/attachments/{n}/view", dependencies=_REVEAL)
def view(here: Viewer, report: str, n: int) -> Response:
    """Show the attachment's text, which goes on record, or a page around its picture."""
    id_ = inputs.report(report)
    to = caller.recipient(here.identity)
    found = here.app.report_sources.preview(id_, n, to, framed=True)
    with here.reading() as connection:
        file = reports.report(connection, id_)["attachments"][n - 1]
    return here.page(
        "report_file", shown=found, report=report_id(id_), n=n, file=file,
        path=f"/reports/{report_id(id_)}", name=plain(file["name"]),
    )  # fmt: skip


@router.get("/reports/{report}/attachments/{n}/picture", dependencies=_REVEAL)
def picture(here: Viewer, report: str, n: int) -> Response:
    """Show the attachment's picture, drawn again; the viewing goes on record."""
    id_ = inputs.report(report)
    found = here.app.report_sources.preview(id_, n, caller.recipient(here.identity))
    if found.picture is None:
        raise NoSuchAttachmentError(report=report_id(id_), n=n)
    return _drawn(found.picture, f"{report_id(id_)}-{n}.png")


@router.get("/reports/{report}/snapshots/{n}/screenshot", dependencies=_REVEAL)
def screenshot(here: Viewer, report: str, n: int) -> Response:
    """Download the picture of a page as it was taken; the viewing goes on record."""
    id_ = inputs.report(report)
    to = caller.recipient(here.identity)
    return png(here.app.report_sources.screenshot(id_, n, to), report_id(id_), n)


@router.get("/reports/{report}/snapshots/{n}/picture", dependencies=_REVEAL)
def drawn_screenshot(here: Viewer, report: str, n: int) -> Response:
    """Show the picture of a page, drawn again."""
    id_ = inputs.report(report)
    found = here.app.report_sources.drawn_screenshot(id_, n)
    if found.picture is None:
        raise NoSuchScreenshotError(report=report_id(id_), n=n)
    return _drawn(found.picture, f"{report_id(id_)}-screenshot-{n}.png")


@router.post("/reports/{report}/source/open", dependencies=_OPEN)
def open_source(desk: Submitted, report: str) -> Response:
    """Download the bytes of a sealed report; the opening and its reason go on record."""
    return _opened(desk, report, None)


@router.post("/reports/{report}/attachments/{n}/open", dependencies=_OPEN)
def open_attachment(desk: Submitted, report: str, n: int) -> Response:
    """Download the bytes of a sealed attachment; the opening and its reason go on record."""
    return _opened(desk, report, n)


def _drawn(picture: bytes, name: str) -> Response:
    headers = {**_PICTURE, "Content-Disposition": f'inline; filename="{name}"'}
    return Response(picture, media_type="image/png", headers=headers)


def _opened(desk: Submitted, report: str, n: int | None) -> Response:
    id_ = inputs.report(report)
    desk.authorise("open_sealed")
    to = caller.recipient(desk.identity, reason_of(desk))
    return download(desk.app.report_sources.pieces(id_, n, to), report_id(id_), n)


def reason_of(desk: Submitted) -> str | None:
    """The reason in the form; None if it is empty. Raises the errors of `inputs.text`."""
    given = desk.form.text("reason")
    return None if given is None else inputs.text("reason")(given)
