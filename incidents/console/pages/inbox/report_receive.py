"""The form that takes reports in: files that are dropped or chosen, and text that is pasted."""

from __future__ import annotations

from contextlib import nullcontext
from io import BytesIO
from pathlib import PurePosixPath

from fastapi import APIRouter
from starlette.datastructures import UploadFile
from starlette.responses import Response

from incidents.console import kept_form, messages
from incidents.console.flash import Flash
from incidents.console.request_context import needs
from incidents.console.submission import Submission, SubmittedWithFiles
from incidents.contract.documents.reports import ReportInFull
from incidents.errors import BusyError, InputError, RefusedError
from incidents.inbox.receiving import Delivery

router = APIRouter()
_MOST_NAMED = 10
"""The maximum number of reports that a sentence names."""


class NothingSentError(RefusedError):
    """nothing was sent: drop or choose a file, or paste the text of a report"""


@router.post("/reports/receive", dependencies=needs("receive_report"))
def receive(desk: SubmittedWithFiles) -> Response:
    """Receive the files and the text, each as a report; the same bytes are the same report."""
    try:
        deliveries = [_of_file(each) for each in desk.form.files("file")]
        text = desk.form.text("text")
        if text is not None:
            deliveries.append(Delivery(lambda: nullcontext(BytesIO(text.encode()))))
        if not deliveries:
            raise NothingSentError
        desk.authorise("receive_report")
        desk.take_quota(len(deliveries))
        found = list(
            desk.app.reports.receive(
                deliveries, channel="console", by=desk.by, login=desk.identity.login,
                language=desk.reader.spoken,
            )
        )  # fmt: skip
    except (BusyError, InputError, RefusedError) as error:
        kept = kept_form.keep_form(desk.by, desk.form.fields, "receive")
        place = f"/reports?{kept_form.KEPT}={kept}#act-receive"
        return desk.back(place, messages.of_error(desk.reader, error))
    place = f"/reports/{found[0][0]['id']}" if len(found) == 1 else "/reports"
    return desk.back(place, Flash("done", _told(desk, found)))


def _of_file(upload: UploadFile) -> Delivery:
    name = PurePosixPath(upload.filename or "").name[:255]
    return Delivery(lambda: nullcontext(upload.file), name)


def _told(desk: Submission, found: list[tuple[ReportInFull, bool]]) -> str:
    """How many reports came in, and how many of them were known, cannot be read or have ended."""
    say = desk.reader.say
    known = sum(not is_new for _, is_new in found)
    unreadable = sum(is_new and report["state"] == "unreadable" for report, is_new in found)
    told = [say("report.received", n=len(found) - known)]
    told += [say("report.received.known", n=known)] if known else []
    told += [say("report.received.unreadable", n=unreadable)] if unreadable else []
    settled = [each["id"] for each, is_new in found if not is_new and each["settled_at"]]
    if settled:
        told.append(say("report.received.settled", reports=settled[:_MOST_NAMED]))
    return " ".join(told)
