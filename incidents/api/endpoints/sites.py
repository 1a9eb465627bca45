"""The sites over HTTP: the register, how a site stands and why, what happened to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import Field

from incidents.api import bodies
from incidents.api.caller import Caller, etag
from incidents.api.endpoints import actions
from incidents.api.entrance import actor, looker
from incidents.api.operation import JSON, operation, router
from incidents.api.parameters import Cursor, Limit, Part, Reveal, number_cursor, read_number
from incidents.contract import hints
from incidents.contract.actions import of_command
from incidents.contract.documents import sites as site_answers
from incidents.machine import commands as c
from incidents.store.cases import sites as site_rows
from incidents.values import inputs
from incidents.views import lists, masked
from incidents.views.why.timeline import timeline

routes = router("sites")

Looking = Annotated[Caller, Depends(looker)]
Acting = Annotated[Caller, Depends(actor)]
Name = Annotated[str, Path(max_length=300, description="A site's name.")]
_TIMELINE = "timeline"

_ADD, _EDIT = of_command(c.AddSite), of_command(c.EditSite)
if TYPE_CHECKING:
    Details = bodies.Form
else:
    Details = bodies.body(_EDIT)


class NewSite(Details):
    """A site for the register."""

    site: Annotated[str, Field(max_length=300)]


@routes.get("/sites", **operation("look", site_answers.SitePage))
def sites(  # noqa: PLR0917 - called by FastAPI, by names
    by: Looking,
    state: Annotated[site_answers.SiteState | None, Query()] = None,
    held: Annotated[bool | None, Query()] = None,
    disputed: Annotated[bool | None, Query()] = None,
    q: Part = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JSON:
    """List the sites by name, numbers and addresses masked."""
    wanted = lists.SiteFilter(
        state=state, held=held, disputed=disputed, q=bodies.optional_text("q", q, 100)
    )
    with by.reading() as connection:
        found = lists.sites_page(connection, wanted, limit=limit, cursor=cursor)
    return JSON(masked.document(found))


@routes.post(
    "/sites", **operation("add_site", site_answers.Acted, status=201, acting=True, tagged=True)
)
def add(by: Acting, new: NewSite) -> JSON:
    """Take a site into the register, with whom to call."""
    site, command = bodies.command(_ADD, by.by, new.site, new)
    return actions.given(by, by.act(site, command), 201)


@routes.patch(
    "/sites/{site}", **operation("edit_site", site_answers.Acted, acting=True, tagged=True)
)
def edit(by: Acting, site: Name, details: Details) -> JSON:
    """Change whom to call; what is not given stays as it is."""
    name, command = bodies.command(_EDIT, by.by, site, details)
    return actions.given(by, by.act(name, command))


@routes.get("/sites/{site}", **operation("look", site_answers.SiteInFull, tagged=True))
def show(by: Looking, site: Name, reveal: Reveal = False) -> JSON:
    """How a site stands, and whom to call."""
    name = inputs.site(site)
    with by.reading() as connection:
        found = by.house.views.site(connection, name, by.house.now(connection))
    return _shown(by, found, name, (found["id"], found["seq"]), reveal=reveal)


@routes.get("/sites/{site}/why", **operation("look", site_answers.Why, tagged=True))
def why(by: Looking, site: Name, reveal: Reveal = False) -> JSON:
    """Why a site stands as it does, in plain words, and what would change it."""
    name = inputs.site(site)
    with by.reading() as connection:
        why_ = by.house.views.why(connection, name, by.house.now(connection), by.zone)
    found = {**why_, "commands": hints.commands(why_["hints"])}
    return _shown(by, found, name, (found["site"]["id"], found["seq"]), reveal=reveal)


@routes.get("/sites/{site}/timeline", **operation("look", site_answers.LinePage))
def story(
    by: Looking, site: Name, limit: Limit = 50, cursor: Cursor = None, reveal: Reveal = False
) -> JSON:
    """What happened to a site, the earliest first."""
    name = inputs.site(site)
    after = read_number(_TIMELINE, cursor)
    if reveal:
        by.reveals(name)
    with by.reading() as connection:
        row = site_rows.named(connection, name)
        lines = timeline(
            connection,
            row["id"],
            now=by.house.now(connection),
            zone=by.zone,
            after=after,
            most=limit,
        )
        items = list(lines)
    last = items[-1]["seq"] if items else after
    ahead = number_cursor(_TIMELINE, last) if last < row["seq"] and items else None
    found: dict[str, Any] = {"items": items, "next": ahead}
    return JSON(found if reveal else masked.document(found))


def _shown(
    by: Caller, found: dict[str, Any], about: str, version: tuple[int, int], *, reveal: bool
) -> JSON:
    if reveal:
        by.reveals(about)
    document = found if reveal else masked.document(found)
    return JSON(document, headers={"ETag": etag(*version)})
