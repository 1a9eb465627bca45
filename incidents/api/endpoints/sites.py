"""Sites over HTTP: the register, with contacts, explanations and histories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Query
from pydantic import Field

from incidents import views
from incidents.api import bodies
from incidents.api.authentication import ActionCaller, ReadCaller
from incidents.api.caller import Caller, etag
from incidents.api.endpoints import actions
from incidents.api.operation import JSON, operation, router
from incidents.api.parameters import (
    Cursor,
    Limit,
    Part,
    Reveal,
    SiteName,
    number_cursor,
    read_number,
)
from incidents.contract import hints
from incidents.contract.actions import of_command
from incidents.contract.documents.actions import Acted
from incidents.contract.documents.sites import (
    LinePage,
    Rule,
    SiteInFull,
    SitePage,
    SiteState,
    Why,
)
from incidents.locale import words
from incidents.machine import commands as c
from incidents.store.cases import sites as site_rows
from incidents.values import inputs
from incidents.views import lists, masked
from incidents.views.timeline import timeline

routes = router("sites")

_STORY = "timeline"

_ADD, _EDIT = of_command(c.AddSite), of_command(c.EditSite)
if TYPE_CHECKING:
    Details = bodies.Form
else:
    Details = bodies.body(_EDIT)


class NewSite(Details):
    """A site for the register."""

    site: Annotated[str, Field(max_length=300)]


@routes.get("/sites", **operation("look", SitePage))
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


@routes.post("/sites", **operation("add_site", Acted, status=201, acting=True, tagged=True))
def add(by: ActionCaller, new: NewSite) -> JSON:
    """Add a site to the register, with its contact."""
    site, command = bodies.command(_ADD, by.by, new.site, new)
    return actions.given(by, by.submit(site, command), 201)


@routes.patch("/sites/{site}", **operation("edit_site", Acted, acting=True, tagged=True))
def edit(by: ActionCaller, site: SiteName, details: Details) -> JSON:
    """Change the contact of a site; omitted fields stay unchanged."""
    name, command = bodies.command(_EDIT, by.by, site, details)
    return actions.given(by, by.submit(name, command))


@routes.get("/sites/{site}", name="show", **operation("look", SiteInFull, tagged=True))
def show_site(by: ReadCaller, site: SiteName, reveal: Reveal = False) -> JSON:
    """Show the status and the contact of a site."""
    name = inputs.site(site)
    with by.reading() as connection:
        found = views.site(connection, name, by.app.now(connection))
    return _shown(by, found, name, (found["id"], found["seq"]), reveal=reveal)


@routes.get("/sites/{site}/why", **operation("look", Why, tagged=True))
def why(by: ReadCaller, site: SiteName, reveal: Reveal = False) -> JSON:
    """Explain the status of a site in plain words, and what would change it."""
    name = inputs.site(site)
    with by.reading() as connection:
        why_ = views.why(
            connection, name, words.TimeFormat(zone=by.zone, now=by.app.now(connection))
        )
    found: Why = {**why_, "commands": hints.commands(why_["hints"])}
    return _shown(by, found, name, (found["site"]["id"], found["seq"]), reveal=reveal)


@routes.get("/sites/{site}/timeline", name="story", **operation("look", LinePage))
def story_of_site(
    by: ReadCaller, site: SiteName, limit: Limit = 50, cursor: Cursor = None, reveal: Reveal = False
) -> JSON:
    """List the history of a site, the earliest event first."""
    name, after = inputs.site(site), read_number(_STORY, cursor)
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
    ahead = number_cursor(_STORY, last) if last < row["seq"] and items else None
    found: LinePage = {"items": items, "next": ahead}
    return JSON(found if reveal else masked.document(found))


def _shown(
    by: Caller, found: Mapping[str, Any], about: str, version: tuple[int, int], *, reveal: bool
) -> JSON:
    by.reveals(about, wanted=reveal)
    return JSON(found if reveal else masked.document(found), headers={"ETag": etag(*version)})
