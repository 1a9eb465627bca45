"""The list of sites, and the form that adds one to the register."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from incidents.console import list_page, messages, submission
from incidents.console.flash import Flash
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages.site import at
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submitted
from incidents.contract.actions import of_command
from incidents.contract.documents.sites import Rule, Site, SitePage, SiteState
from incidents.errors import InputError, RefusedError
from incidents.machine import commands as c
from incidents.values import inputs
from incidents.views import lists, masked

router = APIRouter()

PATH = "/sites"
PAGE = 50
STATES: tuple[str, ...] = get_args(SiteState)
FILTERS = (
    Filter(name="q"),
    Filter(name="state", codes=STATES, group="state"),
    Filter(name="rule", codes=get_args(Rule), group="rule"),
    Filter(name="mark", codes=("held", "disputed"), group="state"),
)


@router.get(PATH)
def show(here: Viewer, request: Request) -> Response:
    """List the sites in the register that match the filters of the address, by name."""
    return _page(here, ListPage.of(PATH, FILTERS, request.query_params))


@router.post(PATH, dependencies=needs("add_site"))
def add(desk: Submitted) -> Response:
    """Add a site to the register."""
    try:
        name = inputs.site(desk.form.text("site") or "")
        command = submission.command_of_form(desk, of_command(c.AddSite), (name,))
        answer = desk.submit(name, command, seen=False)
    except (InputError, RefusedError) as error:
        return _page(desk, ListPage(PATH, FILTERS), flash=messages.of_error(desk.reader, error))
    return desk.back(at(name), messages.of_answer(desk, answer))


def _page(who: RequestContext, listed: ListPage, *, flash: Flash | None = None) -> Response:
    found: SitePage = {"items": [], "next": None}
    counts: dict[str, int] = {}
    capped, wrong = False, None
    with who.timed() as (connection, here):
        saved = list_page.tabs(connection, here, listed)
        try:
            listed.check(here.reader)
            mark = listed.asked.get("mark")
            wanted = lists.SiteFilter(
                state=listed.asked.get("state"), rule=listed.asked.get("rule"),
                held=True if mark == "held" else None,
                disputed=True if mark == "disputed" else None,
                q=listed.text("q", list_page.MAX_CHARACTERS),
            )  # fmt: skip
            found = lists.sites_page(connection, wanted, limit=PAGE, cursor=listed.after)
            counts, capped = lists.site_counts(connection, wanted)
        except (InputError, RefusedError) as error:
            wrong = list_page.wrong(here.reader, error)
    status = 422 if wrong else 409 if flash else 200
    return list_page.answer(
        here, "lists/sites", status=status, flash=flash,
        wrong=wrong, sites=masked.document(found["items"]), next=found["next"],
        counts=list_page.counted(counts, STATES), counted=lists.MAX_COUNTED if capped else None,
        next_of=_next_of,
        add=_addable(listed.asked.get("q", "")), typed=here.typed,
        **list_page.facts(here, listed, saved),
    )  # fmt: skip


def _next_of(site: Site) -> str:
    """What the site's next deadline is: the end of its suspension, or another one.

    What another one brings depends on more than a row of the list: `site why` and the queue say it.
    """
    is_end = site["state"] == "suspended" and site["next_due"] == site["suspended_until"]
    return "ends" if is_end else "due"


def _addable(q: str) -> str:
    try:
        return inputs.site(q) if q else ""
    except (InputError, RefusedError):
        return ""
