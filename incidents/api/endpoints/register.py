"""The register over HTTP: sites and incidents, with histories, evidence and customer links."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

from fastapi import Path, Query, UploadFile
from pydantic import Field

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
    SiteName,
    number_cursor,
    read_number,
)
from incidents.contract import hints
from incidents.contract.actions import of_command
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
    SiteInFull,
    SitePage,
    SiteState,
    Why,
)
from incidents.desk import Envelope
from incidents.errors import EvidenceTooLargeError
from incidents.locale import words
from incidents.machine import commands as c
from incidents.record import evidence
from incidents.store.cases import sites as site_rows
from incidents.values import inputs
from incidents.views import incident_list, lists, masked
from incidents.views.queue import police
from incidents.views.timeline import part_of_story, timeline

site_routes, incident_routes = router("sites"), router("incidents")

Id = Annotated[str, Path(max_length=300, description="An incident's ID, such as 12-3.")]
_SITE_STORY, _INCIDENT_STORY = "timeline", "story"
_PIECE = 2**20

_ADD, _EDIT = of_command(c.AddSite), of_command(c.EditSite)
if TYPE_CHECKING:
    Details = bodies.Form
else:
    Details = bodies.body(_EDIT)


class NewSite(Details):
    """A site for the register."""

    site: Annotated[str, Field(max_length=300)]


@site_routes.get("/sites", **operation("look", SitePage))
def sites(  # noqa: PLR0917 - called by FastAPI, by names
    by: ReadCaller,
    state: Annotated[SiteState | None, Query()] = None,
    rule: Annotated[Rule | None, Query()] = None,
    held: Annotated[bool | None, Query()] = None,
    disputed: Annotated[bool | None, Query()] = None,
    q: Part = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JSON:
    """List sites by name, with phone numbers and addresses masked."""
    wanted = lists.SiteFilter(
        state=state, rule=rule, held=held, disputed=disputed, q=bodies.optional_text("q", q, 100)
    )
    with by.reading() as connection:
        found = lists.sites_page(connection, wanted, limit=limit, cursor=cursor)
    return JSON(masked.document(found))


@site_routes.post("/sites", **operation("add_site", Acted, status=201, acting=True, tagged=True))
def add(by: ActionCaller, new: NewSite) -> JSON:
    """Add a site to the register, with its contact."""
    site, command = bodies.command(_ADD, by.by, new.site, new)
    return actions.given(by, by.submit(site, command), 201)


@site_routes.patch("/sites/{site}", **operation("edit_site", Acted, acting=True, tagged=True))
def edit(by: ActionCaller, site: SiteName, details: Details) -> JSON:
    """Change the contact of a site; omitted fields stay unchanged."""
    name, command = bodies.command(_EDIT, by.by, site, details)
    return actions.given(by, by.submit(name, command))


@site_routes.get("/sites/{site}", name="show", **operation("look", SiteInFull, tagged=True))
def show_site(by: ReadCaller, site: SiteName, reveal: Reveal = False) -> JSON:
    """Show the status and the contact of a site."""
    name = inputs.site(site)
    with by.reading() as connection:
        found = views.site(connection, name, by.app.now(connection))
    return _shown(by, found, name, (found["id"], found["seq"]), reveal=reveal)


@site_routes.get("/sites/{site}/why", **operation("look", Why, tagged=True))
def why(by: ReadCaller, site: SiteName, reveal: Reveal = False) -> JSON:
    """Explain the status of a site in plain words, and what would change it."""
    name = inputs.site(site)
    with by.reading() as connection:
        why_ = views.why(
            connection, name, words.TimeFormat(zone=by.zone, now=by.app.now(connection))
        )
    found: Why = {**why_, "commands": hints.commands(why_["hints"])}
    return _shown(by, found, name, (found["site"]["id"], found["seq"]), reveal=reveal)


@site_routes.get("/sites/{site}/timeline", name="story", **operation("look", LinePage))
def story_of_site(
    by: ReadCaller, site: SiteName, limit: Limit = 50, cursor: Cursor = None, reveal: Reveal = False
) -> JSON:
    """List the history of a site, the earliest event first."""
    name, after = inputs.site(site), read_number(_SITE_STORY, cursor)
    by.reveals(name, wanted=reveal)
    with by.reading() as connection:
        row = site_rows.named(connection, name)
        items = list(
            timeline(
                connection, row["id"], now=by.app.now(connection), zone=by.zone, after=after,
                most=limit,
            )
        )  # fmt: skip
    last = items[-1]["seq"] if items else after
    ahead = number_cursor(_SITE_STORY, last) if last < row["seq"] and items else None
    found: LinePage = {"items": items, "next": ahead}
    return JSON(found if reveal else masked.document(found))


def _shown(
    by: Caller, found: Mapping[str, Any], about: str, version: tuple[int, int], *, reveal: bool
) -> JSON:
    by.reveals(about, wanted=reveal)
    return JSON(found if reveal else masked.document(found), headers={"ETag": etag(*version)})


@incident_routes.get("/incidents", **operation("look", IncidentPage))
def incidents(  # noqa: PLR0913, PLR0917 - called by FastAPI, by names
    by: ReadCaller,
    site: Annotated[str | None, Query(max_length=300)] = None,
    state: Annotated[IncidentState | None, Query()] = None,
    category: Annotated[str | None, Query(max_length=100)] = None,
    rule: Annotated[Rule | None, Query()] = None,
    holder: Annotated[str | None, Query(max_length=100)] = None,
    due_before: OptionalTime = None,
    since: OptionalTime = None,
    until: OptionalTime = None,
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
    recording time. `q` is a text to find in the site name, the URLs,
    and the notes. The search reads all incidents that match the other filters, for up to 5 seconds.
    """
    wanted = incident_list.IncidentFilter(
        site=None if site is None else inputs.site(site), state=state, rule=rule,
        category=bodies.optional_text("category", category, 100),
        holder=bodies.optional_text("holder", holder, 100),
        by=bodies.optional_text("logged_by", logged_by, 100),
        due_before=bodies.read_time(due_before), since=bodies.read_time(since),
        until=bodies.read_time(until), q=bodies.optional_text("q", q, 100),
    )  # fmt: skip
    by.reveals("incidents", wanted=reveal)
    with by.reading() as connection:
        found = incident_list.incidents_page(
            connection, wanted, limit=limit, cursor=cursor, order=order, reveal=reveal
        )
    return JSON(found)


@incident_routes.get("/search", **operation("look", Found))
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


@incident_routes.get(
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


@incident_routes.get("/incidents/{incident}/timeline", name="story", **operation("look", LinePage))
def story_of_incident(
    by: ReadCaller, incident: Id, limit: Limit = 50, cursor: Cursor = None, reveal: Reveal = False
) -> JSON:
    """List the history of an incident, the earliest event first.

    Each page covers only a part of a long history. A page can have fewer items than requested, or
    none, and still have a `next`.
    """
    key, after = inputs.incident(incident), read_number(_INCIDENT_STORY, cursor)
    by.reveals(incident.strip(), wanted=reveal)
    with by.reading() as connection:
        views.incident(connection, key)
        part = part_of_story(
            connection, *key, now=by.app.now(connection), zone=by.zone, after=after, most=limit
        )
    ahead = None if part.ahead is None else number_cursor(_INCIDENT_STORY, part.ahead)
    found: LinePage = {"items": part.lines, "next": ahead}
    return JSON(found if reveal else masked.document(found))


@incident_routes.post(
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


@incident_routes.get("/incidents/{incident}/link", **operation("give_link", Link))
def link(by: ReadCaller, incident: Id) -> JSON:
    """Return the link to an incident's customer page. Give it only to the responsible person."""
    return JSON(by.app.link(inputs.incident(incident)))


@incident_routes.get("/duty", **operation("look", DutyPage))
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
