"""The pages of orders: those not carried out, one with its history, and sites' actual states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from incidents import views
from incidents.console import action_forms, list_page, messages, submission
from incidents.console.flash import Flash
from incidents.console.list_page import Filter, ListPage
from incidents.console.pages.site import reasons
from incidents.console.rendering import Reader, capitalised
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
from incidents.store.cases import sites
from incidents.store.log import lineage
from incidents.values import inputs
from incidents.values.ids import order_id
from incidents.views import masked, orders, possible_actions
from incidents.views.unsettled_orders import (
    LANES,
    STATES,
    OrderFilter,
    OrderPage,
    unsettled_page,
)

router = APIRouter()
Name = tuple[int, int, str]
"""An order's site id, number and lane."""

PATH = "/orders"
PAGE = 50
FILTERS = (
    Filter(name="state", codes=STATES, group="order_state"),
    Filter(name="lane", codes=LANES, group="lane"),
    Filter(name="site"),
)
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


@router.get(PATH)
def show(
    who: Viewer, request: Request, compared: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    """List orders that are not carried out, and show the last comparison with the actual state."""
    listed = ListPage.of(PATH, FILTERS, _query(request))
    found, wrong, unset = OrderPage([], None), None, who.app.lanes_without_channel
    with who.timed() as (connection, here):
        saved = list_page.tabs(connection, here, listed)
        now = here.reader.now
        dead_letters, overdue = views.dead_letters(connection), orders.late(connection, now)
        held = orders.held(connection)
        try:
            listed.check(here.reader)
            wanted = OrderFilter(
                site=listed.site(), state=listed.asked.get("state"), lane=listed.asked.get("lane")
            )
            found = unsettled_page(
                connection, now, wanted, limit=PAGE, cursor=listed.after,
                unset=unset,
            )  # fmt: skip
        except (InputError, RefusedError) as error:
            wrong = list_page.wrong(here.reader, error)
    counts = {"braked": held["braked"], "dead": dead_letters["dead"], "late": overdue["late"]}
    return list_page.answer(
        here, "lists/orders", status=422 if wrong else 200,
        items=masked.document(found.items), next=found.next, dead_letters=dead_letters, held=held,
        late=overdue, only=listed.asked.get("state"), wrong=wrong,
        counts=list_page.counted(counts, STATES), listed=_listed(here.reader, found.items),
        compared=_COMPARED.get(here.by, compared) if compared else None,
        what=lambda each: ordered(here.reader, each), most=MAX_SITES, unset=unset,
        without_channel=_without_channel(unset, found.items),
        **list_page.facts(here, listed, saved),
    )  # fmt: skip


def _query(request: Request) -> Mapping[str, str]:
    """The filters of the address, also as earlier versions wrote them: `?dead=1`."""
    earlier = [name for name in ("braked", "dead", "late") if request.query_params.get(name)]
    return {"state": earlier[0], **request.query_params} if earlier else request.query_params


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
    kind, lane = order["kind"], order["lane"]
    what = reader.word("order", kind) if lane == ACT else reader.say(f"ordered.{lane}", kind=kind)
    return capitalised(what, ())


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
    """Describe how many orders are listed, and how many of these need a person or are late.

    The red warnings count the orders of all sites, not only the listed orders.
    """
    counts = {
        "stopped": sum(each["state"] in ("braked", "dead") for each in items),
        "late": sum(each["late"] for each in items),
    }
    told = [reader.say(f"orders.listed.{code}", n=n) for code, n in counts.items() if n]
    return reader.spoken.comma.join([reader.say("orders.listed", n=len(items)), *told])


def _without_channel(unset: Mapping[str, str], items: list[Order]) -> list[str]:
    """The settings that would name a channel, for the lanes of the listed orders."""
    lanes = {each["lane"] for each in items}
    return sorted({setting for lane, setting in unset.items() if lane in lanes})
