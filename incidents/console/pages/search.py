"""The page of the search: sites and incidents that contain a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import Connection, select
from starlette.responses import RedirectResponse, Response

from incidents.console import messages, rendering
from incidents.console.pages.site import at as site_at
from incidents.console.request_context import RequestContext, Viewer
from incidents.contract.documents.sites import Incident
from incidents.errors import InputError, RefusedError
from incidents.store.schema import tables
from incidents.values import inputs, site_name
from incidents.values.half_width import half_width
from incidents.values.ids import incident_id, read_incident_id
from incidents.views import incident_list, lists, masked
from incidents.views.incident_search import where

router = APIRouter()

PAGE = 20
MAX_CHARACTERS = 100
MAX_TEXTS = 3
"""The maximum number of matching texts shown of one incident."""
_AROUND = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Results of one kind.

    `next`: the path of the next page; `wrong`: why nothing was searched.
    """

    kind: str
    items: Sequence[Mapping[str, object]]
    next: str | None = None
    wrong: str | None = None


@router.get("/search")
def search(
    here: Viewer,
    q: Annotated[str, Query(max_length=1_000)] = "",
    kind: Annotated[str, Query(max_length=20)] = "",
    after: Annotated[str | None, Query(max_length=2_000)] = None,
) -> Response:
    """Show the search results; an exact name or id leads directly to its page."""
    if not q.strip():
        return _page(here, "", [])
    try:
        part = inputs.text("search", limit=MAX_CHARACTERS)(q)
    except RefusedError as error:
        return _page(here, q, [], wrong=messages.of_error(here.reader, error).words)
    if not kind and (named := _named(here, part)) is not None:
        return RedirectResponse(named, status_code=303, headers=rendering.HEADERS)
    asked = [each for each in _KINDS if kind in ("", each)]
    return _page(here, part, [_found(here, each, part, after) for each in asked])


def _found(here: RequestContext, kind: str, part: str, after: str | None) -> Found:
    """Search for one kind of result in its own transaction: a slow search affects no other."""
    try:
        with here.reading() as connection:
            found = _KINDS[kind](connection, part, after)
    except (InputError, RefusedError) as error:
        return Found(kind=kind, items=[], wrong=messages.of_error(here.reader, error).words)
    if found.next is None:
        return found
    asked = rendering.query({"q": part, "kind": kind, "after": found.next})
    return replace(found, next=f"/search?{asked}")


def _sites(connection: Connection, part: str, after: str | None) -> Found:
    wanted = lists.SiteFilter(q=part)
    found = lists.sites_page(connection, wanted, limit=PAGE, cursor=after)
    items = [masked.document(site) for site in found["items"]]
    return Found(kind="sites", items=items, next=found["next"])


def _incidents(connection: Connection, part: str, after: str | None) -> Found:
    wanted = incident_list.IncidentFilter(q=part)
    found = incident_list.incidents_page(connection, wanted, limit=PAGE, cursor=after)
    items = [{**each, "texts": _texts(each, part)} for each in found["items"]]
    return Found(kind="incidents", items=items, next=found["next"])


_KINDS: dict[str, Callable[[Connection, str, str | None], Found]] = {
    "sites": _sites, "incidents": _incidents,
}  # fmt: skip


def _texts(incident: Incident, part: str) -> list[str]:
    """The matching texts of an incident, except the name of its site."""
    names = incident["site"], site_name.shown(incident["site"])
    return [_excerpt(text, part) for text in where(incident, part) if text not in names]


def _excerpt(text: str, part: str) -> str:
    """The passage of a long text that contains the search text."""
    at = max(0, text.casefold().find(part.casefold()))
    start, end = max(0, at - _AROUND), at + len(part) + _AROUND
    return f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"


def _named(here: RequestContext, part: str) -> str | None:
    """Return the path of the site or incident with exactly that name or id; None if none has it."""
    key = read_incident_id(half_width(part))
    try:
        name = inputs.site(part)
    except RefusedError:
        name = None
    incidents, sites = tables.incidents.c, tables.sites.c
    with here.reading() as connection:
        if key is not None:
            those = (incidents.site_id == key[0], incidents.n == key[1])
            if connection.scalar(select(incidents.n).where(*those)) is not None:
                return f"/incidents/{incident_id(*key)}"
        known = select(sites.id).where(sites.name == name, sites.created_at.is_not(None))
        return site_at(name) if name and connection.scalar(known) is not None else None


def _page(
    here: RequestContext, q: str, found: list[Found], *, wrong: str | None = None
) -> Response:
    return here.page(
        "search", status=422 if wrong else 200, q=q, searched=q, found=found, wrong=wrong,
        most_texts=MAX_TEXTS,
    )  # fmt: skip
