"""The page of an incident, with its history, evidence, notes and actions.

The list of incidents that are not yet reported to the police is here too.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from incidents import clock, views
from incidents.api import caller
from incidents.console import action_forms, forms, messages, rendering, submission
from incidents.console.flash import Flash
from incidents.console.pages.site import confirm, reasons
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submission, Submitted, SubmittedWithFiles
from incidents.contract.action import Action
from incidents.contract.target import CONTACT, Target
from incidents.desk import Answer
from incidents.desk.inbox.releases import release
from incidents.errors import (
    InputError,
    LibraryError,
    NoSuchIncidentError,
    RefusedError,
    SealedReasonError,
    UnknownIncidentError,
)
from incidents.inbox.snapshots import of_incident
from incidents.machine import commands as c
from incidents.notices import customer_link
from incidents.record import evidence
from incidents.store.cases import sites
from incidents.store.inbox import reports
from incidents.values import inputs, site_name
from incidents.values.ids import incident_id
from incidents.views import masked, possible_actions, register
from incidents.views.inbox import sealed_files, snapshots
from incidents.views.queue import police
from incidents.views.why.record import MAX_TIMELINE

router = APIRouter()
Key = tuple[int, int]

_ACTIONS = ("contact", "removed", "recur", "reported", "void", "take-back", "refused")
"""The order of the actions on the page; all other actions follow."""
_ELSEWHERE = ("note", "revoke-links", "void-contact")
_UNSIGHTED = (c.AddNote, c.RevokeLinks)
"""The commands that stay valid if other people act in the meantime."""
_UNASKED = (*_UNSIGHTED, c.StateReported)
"""The commands that do not affect work that a colleague has claimed."""


class NoFileError(RefusedError):
    """no file chosen: choose one, then attach it"""


@router.get("/incidents/{incident}")
def show(
    here: Viewer,
    incident: str,
    before: Annotated[int | None, Query(ge=1, le=10**18)] = None,
    void: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Show an incident, with the newest lines of its history, or those before entry `before`.

    `void`: the contact whose form to void it is open.
    """
    return _page(here, inputs.incident(incident), before=before, to_void=void)


@router.post("/incidents/{incident}/attach", dependencies=needs("attach"))
def attach(desk: SubmittedWithFiles, incident: str) -> Response:
    """Attach uploaded files as evidence."""
    site, n = inputs.incident(incident)
    flash = None
    try:
        files = desk.form.files("file")
        if not files:
            raise NoFileError
        desk.authorise("attach")
        desk.take_quota(len(files))
        for part, upload in enumerate(files):
            flash = _attach(desk, site, n, upload, part)
            if flash.tone == "refused":
                break
    except (InputError, RefusedError) as error:
        flash = messages.of_error(desk.reader, error)
    return desk.back(at((site, n)), flash)


def _attach(desk: Submission, site: int, n: int, upload: UploadFile, part: int) -> Flash:
    """Store a file before an entry names it; a refused file is not stored."""
    if (answer := desk.answered(part)) is not None:
        return messages.of_answer(desk, answer)
    settings = desk.app.settings
    with forms.on_disk(upload) as file:
        name = inputs.text("name", limit=255)(Path(upload.filename or "").name)
        digest, size = evidence.measure(file, limit=settings.evidence_limit)
        with desk.reading() as connection:
            now = desk.app.now(connection)
            would = possible_actions.on_incident(connection, (site, n), desk.by, now)["attach"]
        if would is not None:
            return Flash("refused", messages.refusal_text(desk.reader, would))
        evidence.keep(file, digest, settings.evidence)
    command = c.Attach(by=desk.by, incident=n, digest=digest, size=size, name=name)
    return messages.of_answer(desk, desk.submit(site, command, seen=False, part=part))


@router.post("/incidents/{incident}/evidence/{digest}")
def download(desk: Submitted, incident: str, digest: str) -> Response:
    """Download an attached file; the download goes on record first.

    What may show child abuse takes another right and a reason (see `contract.sealed_content`).
    """
    key = inputs.incident(incident)
    may_open = desk.identity.may("open_sealed")
    if not may_open:
        desk.authorise("reveal")
    with desk.reading() as connection:
        found = views.incident(connection, key)
        sealed = bool(sealed_files.sealed_evidence(connection, key, [digest]))
        sealed = sealed or sealed_files.is_attached_sealed(connection, digest)
    [name] = [each["name"] for each in found["evidence"] if each["digest"] == digest][:1] or [None]
    kept = evidence.kept(desk.app.settings.evidence, digest) if name is not None else None
    if kept is None:
        raise UnknownIncidentError(given=incident)
    if may_open:
        desk.authorise("open_sealed" if sealed else "reveal")
    to = caller.recipient(desk.identity, submission.optional_text(desk.form, "reason"))
    try:
        release(desk.app.desk, to, about=incident_id(*key), digest=digest, sealed=sealed)
    except SealedReasonError as error:
        flash = messages.of_error(desk.reader, error)
        return _page(desk, key, flash=flash, opened=f"open-{digest[:8]}", sealed={digest})
    policy = "default-src 'none'; sandbox; frame-ancestors 'none'"
    headers = {**rendering.HEADERS, "Content-Security-Policy": policy}
    return FileResponse(
        kept, media_type="application/octet-stream", filename=name or digest, headers=headers
    )


@router.post("/incidents/{incident}/link", dependencies=needs("give_link"))
def link(desk: Submitted, incident: str) -> Response:
    """Show the link to the incident's customer page."""
    key = inputs.incident(incident)
    desk.authorise("give_link")
    links, now = customer_link.required_links(), clock.now()
    with desk.reading() as connection:
        revoked = views.incident(connection, key)["links_revoked"]
    return rendering.response(
        "link", desk.reader, link=links.address(key, now, revoked), until=links.until(now),
        incident=incident, revoked=revoked,
    )  # fmt: skip


@router.post("/incidents/{incident}/retest", dependencies=needs("settle_report"))
def retest(desk: Submitted, incident: str) -> Response:
    """Look again at the addresses of the report that led to the incident."""
    key = inputs.incident(incident)
    try:
        desk.authorise("settle_report")
        desk.take_quota()
        desk.app.reports.retest_incident(key, by=desk.by, login=desk.identity.login)
    except (RefusedError, LibraryError) as error:
        return _page(desk, key, flash=messages.of_error(desk.reader, error))
    told = desk.reader.say("snapshots.taken", report=incident_id(*key))
    return desk.back(f"{at(key)}#h-pages", Flash("done", told))


def do(desk: Submitted, incident: str, action: str) -> Response:
    """Do the action on the incident, or on one of its contacts."""
    key, row = inputs.incident(incident), action_forms.of_page("incidents")[action].action
    try:
        answer = _submit(desk, row, key)
    except (InputError, RefusedError) as error:
        return _page(desk, key, flash=messages.of_error(desk.reader, error), opened=action)
    flash = messages.of_answer(desk, answer, seen=desk.seen)
    if answer.refusal is not None:
        closing = answer.refusal.name == "would_close"
        return _page(desk, key, flash=flash, opened=action, closing=closing)
    made = answer.document["incident"] if row.command is c.Recur else None
    return desk.back(f"/incidents/{made['id']}" if made else at(key), flash)


router.add_api_route(
    "/incidents/{incident}/{action}",
    do,
    methods=["POST"],
    route_class_override=action_forms.ActionRoute,
)


def _submit(desk: Submission, action: Action, key: Key) -> Answer:
    site, n = key
    if action.closes:
        confirm(desk, _site_of(desk, key))
    of: Target = key
    if action.of == CONTACT:
        of = (*key, inputs.contact(desk.form.text("contact") or "")[2])
    command = submission.command_of_form(desk, action, of)
    # Whether the site's name was typed, below a violation that closes it.
    typed = desk.form.text("confirm")
    unmeant = isinstance(command, c.Recur) and not site_name.matches_name(
        _site_of(desk, key), typed
    )
    return desk.submit(
        site, command, seen=not isinstance(command, _UNSIGHTED), unless_closing=unmeant,
        steady=isinstance(command, c.RecordContact),
        about=None if isinstance(command, _UNASKED) else forms.only(str(n)),
    )  # fmt: skip


def _site_of(desk: Submission, key: Key) -> str:
    with desk.reading() as connection:
        name = sites.name_of(connection, key[0])
    if name is None:
        raise NoSuchIncidentError(given=incident_id(*key))
    return name


def at(key: Key) -> str:
    """The path of the incident's page."""
    return f"/incidents/{incident_id(*key)}"


def _page(
    who: RequestContext,
    key: Key,
    *,
    flash: Flash | None = None,
    opened: str | None = None,
    closing: bool = False,
    before: int | None = None,
    to_void: str | None = None,
    sealed: Collection[str] = (),
) -> Response:
    with who.timed() as (connection, here):
        reader = here.reader
        found = views.incident(connection, key)
        story = views.newest_of_story(
            connection, *key, now=reader.now, zone=reader.zone, language=reader.spoken,
            before=before, most=MAX_TIMELINE,
        )  # fmt: skip
        would = possible_actions.on_incident(connection, key, here.by, reader.now)
        two_people = register.policy_in_force(connection).two_people_close
        owed = here.app.report_duty
        digests = [each["digest"] for each in found["evidence"]]
        sealed = {*sealed, *sealed_files.sealed_evidence(connection, key, digests)}
        reported = of_incident.report_of(connection, key)
        first = reports.named(connection, reports.led_to(connection, *key, 1))
        report_due = None if owed is None else police.deadline_of(connection, key, owed)
    found = masked.document(found)
    seen = [] if reported is None else reported["snapshots"]
    pictured: Collection[int] = ()
    if not who.identity.may("reveal"):
        seen = snapshots.without_words(seen)
    elif reported is not None:
        pictured = who.app.report_sources.screenshots(reported)
    return here.page(
        "incident", status=409 if flash else 200, flash=flash, incident=found,
        site=found["site_document"], seq=found["site_seq"], path=at(key),
        story=masked.document(story.lines[::-1]),
        before=before, to_void=to_void, earlier=story.ahead, opened=opened or here.kept.opened,
        closing=closing, typed=here.typed, not_now=reasons(here, would), two_people=two_people,
        actions=action_forms.in_order("incidents", _ACTIONS, here.identity.may, _ELSEWHERE),
        revoke_links=action_forms.of_page("incidents")["revoke-links"],
        linked=customer_link.load_links() is not None, report_due=report_due,
        first_report=next(iter(first.values()), None), sealed=sealed, reported=reported,
        compared=snapshots.compared(seen), pictured=pictured,
    )  # fmt: skip
