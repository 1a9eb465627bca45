"""The pages of orders: those not carried out, one with its history, and sites' actual states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents import views
from incidents.console import action_forms, messages, rendering, submission
from incidents.console.pages.site import reasons
from incidents.console.rendering import Flash, Reader
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.result_cache import ResultCache
from incidents.console.submission import Submission, Submitted
from incidents.contract.documents.orders import Order, OrderInFull
from incidents.enforcement import routing
from incidents.enforcement.reconciliation import Reconciliation
from incidents.enforcement.verdict import Comparison
from incidents.errors import (
    AdapterFaultError,
    InputError,
    RefusedError,
    SettingError,
    SettingsFileError,
    UnknownSettingError,
)
from incidents.machine.orders import ACT
from incidents.store import lineage
from incidents.store.cases import sites
from incidents.values import inputs
from incidents.values.ids import order_id
from incidents.views import masked, orders, possible_actions

router = APIRouter()
Name = tuple[int, int, str]
"""An order's site id, number and lane."""

PAGE = 100
MAX_SITES = 20
"""The maximum number of sites compared at once: an adapter can take a while for each site."""
_UNUSABLE = (
    SettingError, UnknownSettingError, SettingsFileError, routing.MissingLibraryError,
    AdapterFaultError,
)  # fmt: skip
"""Errors of adapters and their settings, which an administrator can fix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The result of a comparison; after the site named `after`, `left` sites remain to compare."""

    items: list[Comparison]
    left: int
    after: str
    repair: bool


_COMPARED: ResultCache[Compared] = ResultCache()


@router.get("/orders")
def show(
    who: Viewer,
    *,
    site: Annotated[str, Query(max_length=300)] = "",
    dead: Annotated[str, Query(max_length=1)] = "",
    late: Annotated[str, Query(max_length=1)] = "",
    braked: Annotated[str, Query(max_length=1)] = "",
    compared: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """List orders that are not carried out, and show the last comparison with the actual state."""
    found, wrong = [], None
    only = "braked" if braked else "dead" if dead else "late" if late else ""
    with who.timed() as (connection, here):
        now = here.reader.now
        dead_letters, overdue = views.dead_letters(connection), orders.late(connection, now)
        held = orders.held(connection)
        try:
            name = inputs.site(site) if site.strip() else None
            found = views.unsettled(
                connection,
                now,
                site=name,
                only_braked=only == "braked",
                only_dead=only == "dead",
                only_late=only == "late",
                limit=PAGE + 1,
                unset=who.app.lanes_without_channel,
            )
        except (InputError, RefusedError) as error:
            wrong = messages.of_error(here.reader, error).words
    asked = rendering.query({"site": site.strip(), only: only and "1"})
    path = f"/orders?{asked}" if asked else "/orders"
    return here.page(
        "orders", status=422 if wrong else 200, items=masked.document(found[:PAGE]),
        more=len(found) > PAGE, dead_letters=dead_letters, held=held, late=overdue,
        site=site.strip(), only=only, wrong=wrong, listed=_listed(here.reader, found[:PAGE]),
        compared=_COMPARED.get(here.by, compared) if compared else None, path=path,
        what=lambda each: ordered(here.reader, each), most=MAX_SITES,
    )  # fmt: skip


@router.post("/orders/reconcile", dependencies=needs("reconcile"))
def reconcile(desk: Submitted) -> Response:
    """Ask the adapters for the actual state of sites, and record the result."""
    desk.authorise("reconcile")
    try:
        found = _compared(desk)
    except (InputError, RefusedError, *_UNUSABLE) as error:
        return desk.back("/orders", messages.of_error(desk.reader, error))
    return desk.back(f"/orders?compared={_COMPARED.put(desk.by, found)}#compared")


def _compared(desk: Submission) -> Compared:
    """Compare one site, or the next few sites that are down or whose actual state is unclear."""
    named, after = desk.form.text("site"), desk.form.text("after") or ""
    if named is not None:
        names, left, opens = [inputs.site(named)], 0, True
    else:
        with desk.reading() as connection:
            # What a loss may have left down is opened by its name.
            opens = lineage.standing(connection).unproved_since is None
            names, left = sites.mismatched(connection, after=after[:300] or None, most=MAX_SITES)
    repair = desk.form.text("repair") is not None
    found = routing.load()
    try:
        own = Reconciliation(
            reading=desk.reading, desk=desk.app.desk, routing=found, by=desk.by,
            login=desk.identity.login, repair=repair, opens=opens,
        )  # fmt: skip
        items = [own.compare(each) for each in names]
    finally:
        found.close()
    return Compared(items=items, left=left, after=names[-1] if left else "", repair=repair)


@router.get("/orders/{order}")
def show_one(here: Viewer, order: str) -> Response:
    """Show one order: its content, its attempts, and its result."""
    return _page(here, inputs.order(order))


def do(desk: Submitted, order: str, action: str) -> Response:
    """Do the action on the order."""
    name, row = inputs.order(order), action_forms.of_page("orders")[action].action
    try:
        answer = desk.submit(name[0], submission.command_of_form(desk, row, name))
    except (InputError, RefusedError) as error:
        return _page(desk, name, flash=messages.of_error(desk.reader, error), opened=action)
    flash = messages.of_answer(desk, answer, seen=desk.seen)
    if answer.refusal is not None:
        return _page(desk, name, flash=flash, opened=action)
    return desk.back(at(name), flash)


router.add_api_route(
    "/orders/{order}/{action}", do, methods=["POST"], route_class_override=action_forms.ActionRoute
)


def at(order: Name) -> str:
    """The path of the order's page."""
    return f"/orders/{order_id(*order)}"


def ordered(reader: Reader, order: OrderInFull) -> str:
    """What the order does in its lane: for the adapters, the customer or the desk."""
    kind = reader.word("order", order["kind"])
    return kind if order["lane"] == ACT else reader.say(f"ordered.{order['lane']}", kind=kind)


def _page(
    who: RequestContext, order: Name, *, flash: Flash | None = None, opened: str | None = None
) -> Response:
    with who.timed() as (connection, here):
        reader = here.reader
        found = views.order(
            connection, *order, when=reader.when, now=reader.now,
            unset=who.app.lanes_without_channel,
        )  # fmt: skip
        would = possible_actions.on_order(connection, order, here.by, reader.now)
        seq = sites.entry_counts(connection, [order[0]]).get(order[0])
    to_do, not_yet = ("release", "retry") if found["state"] == "braked" else ("retry", "release")
    return here.page(
        "order", status=409 if flash else 200, flash=flash, order=masked.document(found),
        what=ordered(reader, found), site_id=order[0],
        seq=seq, path=at(order), not_now=reasons(here, would),
        actions=action_forms.in_order("orders", (to_do, "cancel"), here.identity.may, (not_yet,)),
        opened=opened or here.kept.opened, typed=here.typed,
    )  # fmt: skip


def _listed(reader: Reader, items: list[Order]) -> str:
    """Describe how many of the listed orders are in which state.

    The red warnings count the orders of all sites, not only the listed orders.
    """
    dead = sum(each["state"] in ("braked", "dead") for each in items)
    late = sum(each["late"] for each in items)
    return reader.say(
        "orders.listed", n=len(items), dead=dead, late=late, rest=len(items) - dead - late
    )
