"""Incidents over HTTP, with their histories, evidence, customer links and police reports."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path as FilePath
from typing import Annotated, BinaryIO

from fastapi import Path, Query, UploadFile

from incidents import views
from incidents.api import bodies, problems
from incidents.api.authentication import ActionCaller, ReadCaller
from incidents.api.caller import Caller, etag
from incidents.api.endpoints import actions
from incidents.api.operation import JSON, operation, router
from incidents.api.parameters import (
    Cursor,
    Limit,
    OptionalTime,
    Part,
    Reveal,
    Seconds,
    number_cursor,
    read_number,
)
from incidents.contract.documents.actions import Acted
from incidents.contract.documents.queue import DutyPage
from incidents.contract.documents.sites import (
    Found,
    IncidentInFull,
    IncidentPage,
    IncidentState,
    LinePage,
    Link,
    Rule,
)
from incidents.desk import Envelope
from incidents.errors import EvidenceTooLargeError
from incidents.machine import commands as c
from incidents.record import evidence
from incidents.values import inputs
from incidents.views import incident_list, lists, masked
from incidents.views.queue import police
from incidents.views.timeline import part_of_story

routes = router("incidents")

Id = Annotated[str, Path(max_length=300, description="An incident's ID, such as 12-3.")]
_STORY = "story"
_PIECE = 2**20


@routes.get("/incidents", **operation("look", IncidentPage))
def incidents(  # noqa: PLR0913, PLR0917 - called by FastAPI, by names
    by: ReadCaller,
    site: Annotated[str | None, Query(max_length=300)] = None,
    state: Annotated[IncidentState | None, Query()] = None,
    category: Annotated[str | None, Query(max_length=100)] = None,
    category_not: Annotated[list[str] | None, Query(max_length=20)] = None,
    categorised: Annotated[bool | None, Query()] = None,
    voided: Annotated[bool | None, Query()] = None,
    rule: Annotated[Rule | None, Query()] = None,
    holder: Annotated[str | None, Query(max_length=100)] = None,
    due_before: OptionalTime = None,
    since: OptionalTime = None,
    until: OptionalTime = None,
    occurred_since: OptionalTime = None,
    occurred_until: OptionalTime = None,
    contact_over_s: Seconds = None,
    contact_within_s: Seconds = None,
    logged_by: Annotated[str | None, Query(max_length=100)] = None,
    q: Part = None,
    order: Annotated[incident_list.Order, Query()] = "site",
    limit: Limit = 50,
    cursor: Cursor = None,
    reveal: Reveal = False,
) -> JSON:
    """List incidents, grouped by site, or the last recorded first (`order=newest`).

    `rule` is the rule that suspended or closed the site. `holder` is the person who has claimed the
    incident in the queue, and `due_before` limits its deadline there. `since` and `until` limit the
    recording time, `occurred_since` and `occurred_until` the time of the violation. `category_not`
    excludes a category and can be repeated. `categorised=false` finds incidents without a category.
    `contact_over_s` and `contact_within_s` limit the time from the record to the call that reached
    the person in time. `q` is a text to find in the site name, the URLs, and the notes. The search
    reads all incidents that match the other filters, for up to 5 seconds.
    """
    wanted = incident_list.IncidentFilter(
        site=None if site is None else inputs.site(site), state=state, rule=rule,
        category=bodies.optional_text("category", category, 100),
        holder=bodies.optional_text("holder", holder, 100),
        by=bodies.optional_text("logged_by", logged_by, 100),
        due_before=bodies.read_time(due_before), since=bodies.read_time(since),
        until=bodies.read_time(until), occurred_since=bodies.read_time(occurred_since),
        occurred_until=bodies.read_time(occurred_until), categorised=categorised, voided=voided,
        category_not=[inputs.text("category", limit=100)(each) for each in category_not or ()],
        contact_over_s=contact_over_s, contact_within_s=contact_within_s,
        q=bodies.optional_text("q", q, 100),
    )  # fmt: skip
    by.reveals("incidents", wanted=reveal)
    with by.reading() as connection:
        found = incident_list.incidents_page(
            connection, wanted, limit=limit, cursor=cursor, order=order, reveal=reveal
        )
    return JSON(found)


@routes.get("/search", **operation("look", Found))
def search(
    by: ReadCaller,
    q: Annotated[str, Query(min_length=1, max_length=100)],
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> JSON:
    """Search for a text in names, URLs and notes; list the first matching sites and incidents."""
    part = inputs.text("q", limit=100)(q)
    with by.reading() as connection:
        sites = lists.sites_page(connection, lists.SiteFilter(q=part), limit=limit)
        found = incident_list.incidents_page(
            connection, incident_list.IncidentFilter(q=part), limit=limit
        )
    return JSON({"sites": masked.document(sites), "incidents": found})


@routes.get(
    "/incidents/{incident}",
    name="show",
    **operation("look", IncidentInFull, tagged=True),
)
def show_incident(by: ReadCaller, incident: Id, reveal: Reveal = False) -> JSON:
    """Show an incident in full; the ETag is the ETag of the site."""
    key = inputs.incident(incident)
    by.reveals(incident.strip(), wanted=reveal)
    with by.app.queries(views=by.views) as queries:
        found = queries.incident(key)
    tag = etag(key[0], found["site_seq"])
    return JSON(found if reveal else masked.document(found), headers={"ETag": tag})


@routes.get("/incidents/{incident}/timeline", name="story", **operation("look", LinePage))
def story_of_incident(
    by: ReadCaller, incident: Id, limit: Limit = 50, cursor: Cursor = None, reveal: Reveal = False
) -> JSON:
    """List the history of an incident, the earliest event first.

    Each page covers only a part of a long history. A page can have fewer items than requested, or
    none, and still have a `next`.
    """
    key, after = inputs.incident(incident), read_number(_STORY, cursor)
    by.reveals(incident.strip(), wanted=reveal)
    with by.reading() as connection:
        views.incident(connection, key)
        part = part_of_story(
            connection, *key, now=by.app.now(connection), zone=by.zone, after=after, most=limit
        )
    ahead = None if part.ahead is None else number_cursor(_STORY, part.ahead)
    found: LinePage = {"items": part.lines, "next": ahead}
    return JSON(found if reveal else masked.document(found))


@routes.post(
    "/incidents/{incident}/evidence",
    **operation("attach", Acted, status=201, acting=True, tagged=True),
)
def attach(by: ActionCaller, incident: Id, file: UploadFile) -> JSON:
    """Attach a file to an incident, byte for byte (multipart, the field `file`).

    By the time of the response, the whole file is stored on disk, once, under its SHA-256.
    """
    site, n = inputs.incident(incident)
    name = bodies.optional_text("file's name", file.filename or None, 255)
    digest, size = _measured(file.file, by.app.settings.evidence_limit)
    command = c.Attach(by=by.by, incident=n, digest=digest, size=size, name=name)
    if not by.dry_run:
        # A refused action leaves no copy behind, and no entry names a file that is not kept.
        _refuse_if_impossible(by, site, command)
        _keep(file.file, digest, by.app.settings.evidence)
    return actions.given(by, by.submit(site, command), 201)


@routes.get("/incidents/{incident}/link", **operation("give_link", Link))
def link(by: ReadCaller, incident: Id) -> JSON:
    """Return the link to an incident's customer page. Give it only to the responsible person."""
    return JSON(by.app.link(inputs.incident(incident)))


@routes.get("/duty", **operation("look", DutyPage))
def duties(  # noqa: PLR0917 - called by FastAPI, by names
    by: ReadCaller,
    site: Annotated[str | None, Query(max_length=300)] = None,
    state: Annotated[IncidentState | None, Query()] = None,
    category: Annotated[str | None, Query(max_length=100)] = None,
    due_before: OptionalTime = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> JSON:
    """List incidents to report to the police, the longest overdue first.

    `due_before` limits the deadline of the report. The summary counts all incidents.
    """
    wanted = police.DutyFilter(
        site=None if site is None else inputs.site(site), state=state,
        category=bodies.optional_text("category", category, 100),
        due_before=bodies.read_time(due_before),
    )  # fmt: skip
    duty = by.app.report_duty
    if duty is None:
        return JSON({"items": [], "summary": None, "next": None})
    with by.reading() as connection:
        now = by.app.now(connection)
        found = police.duties_page(connection, now, duty, wanted, limit=limit, cursor=cursor)
        summary = police.summary(connection, now, duty)
    return JSON({"items": found.items, "summary": summary, "next": found.next})


def _measured(file: BinaryIO, limit: int) -> tuple[str, int]:
    """Return the SHA-256 (hexadecimal) and the size in bytes of an uploaded file."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(_PIECE):
        size += len(piece)
        if size > limit:
            raise EvidenceTooLargeError(file="the file", size=f"over {limit:,}", limit=f"{limit:,}")
        digest.update(piece)
    if size == 0:
        raise problems.unprocessable("empty_file", "the file is empty")
    return digest.hexdigest(), size


def _refuse_if_impossible(by: Caller, site: int, command: c.Attach) -> None:
    [expected] = by.app.desk.submit([by.envelope(site, command)], dry_run=True)
    if expected.refusal is None:
        return
    if expected.site_id is not None:
        # What was due before the command is done even if that is refused (D.4).
        by.app.desk.submit([Envelope(site=expected.site_id, command=c.Elapse())])
    raise by.refused(expected)


def _keep(file: BinaryIO, digest: str, folder: FilePath) -> None:
    """Store the evidence through a temporary file, because a small upload is only in memory."""
    with tempfile.NamedTemporaryFile() as copy:
        file.seek(0)
        while piece := file.read(_PIECE):
            copy.write(piece)
        copy.flush()
        evidence.keep(FilePath(copy.name), digest, folder)
