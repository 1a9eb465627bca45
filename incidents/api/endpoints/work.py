"""The desk's work over HTTP: the queue, the orders and the notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import Field

from incidents import views
from incidents.api import bodies
from incidents.api.authentication import ActionCaller, PermanentKeyCaller, ReadCaller
from incidents.api.caller import Caller
from incidents.api.endpoints import actions
from incidents.api.operation import JSON, operation, router
from incidents.api.parameters import Cursor, Limit, OptionalTime, Reveal
from incidents.contract.documents import enforcement as enforcement_documents
from incidents.contract.documents import orders as order_documents
from incidents.contract.documents import queue as queue_documents
from incidents.contract.documents.sites import Rule, SiteState
from incidents.contract.hints import with_commands
from incidents.contract.queue_filter import QueueFilter, WorkKind
from incidents.errors import InputError, NoSuchTaskError, RefusedError
from incidents.machine import commands as c
from incidents.notices import customer_link, notice_settings, preview, samples
from incidents.notices.facts import AnyFacts
from incidents.notices.notice_types import NOTICES
from incidents.store.cases import sites
from incidents.values import inputs
from incidents.values.person_name import check_person
from incidents.views import masked
from incidents.views.unsettled_orders import Lane, OrderFilter, unsettled_page

queue_routes = router("queue")


@queue_routes.get("/queue", **operation("look", queue_documents.Queue))
def queue(  # noqa: PLR0913, PLR0917 - called by FastAPI, by names
    by: ReadCaller,
    mine: Annotated[bool, Query(description="Only items that you have claimed.")] = False,
    kind: Annotated[WorkKind | None, Query()] = None,
    category: Annotated[str | None, Query(max_length=100)] = None,
    state: Annotated[SiteState | None, Query(description="The state of the site.")] = None,
    rule: Annotated[Rule | None, Query()] = None,
    holder: Annotated[str | None, Query(max_length=100)] = None,
    site: Annotated[str | None, Query(max_length=300)] = None,
    due_before: OptionalTime = None,
    reveal: Reveal = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> JSON:
    """List the items to do now, most urgent first.

    `rule` is the rule that suspended or closed the site, `holder` the person who has claimed the
    item. A filing item is due at the end of its last day; filings come after all other items. A
    page of a filter can have fewer items than requested, or none, and still have a `next`.
    `reports` has the reports from outside that wait for triage, grouped by finding; list all with
    `GET /reports`.
    """
    wanted = QueueFilter(
        kind=kind, category=bodies.optional_text("category", category, 100), state=state,
        due_before=bodies.read_time(due_before), rule=rule,
        holder=bodies.optional_text("holder", holder, 100),
        site=None if site is None else inputs.site(site),
    )  # fmt: skip
    by.reveals("queue", wanted=reveal)
    owed = by.app.report_duty
    with by.reading() as connection:
        page = views.queue(
            connection, by.app.now(connection), mine=by.by if mine else None, wanted=wanted,
            limit=limit, after=cursor, reveal=reveal, report=owed,
            triage_within=by.app.triage_within, when=by.when,
        )  # fmt: skip
    items = [with_commands(each) for each in page["items"]]
    found: Mapping[str, Any] = page | {"items": items, "next": page["next_after"]}
    return JSON({name: told for name, told in found.items() if name != "next_after"})


@queue_routes.get("/queue/{item}", **operation("look", queue_documents.Item))
def item(
    by: ReadCaller,
    item: Annotated[str, Path(max_length=300, description="An ID such as 12-3 or 12-t2.")],
    reveal: Reveal = False,
) -> JSON:
    """Show one item of the queue, for a caller who may see one number but not a page of numbers."""
    of = inputs.item(item)
    by.reveals(item.strip(), wanted=reveal)
    with by.reading() as connection:
        now = by.app.now(connection)
        found = views.item(connection, now, of, reveal=reveal, when=by.when)
    if found is None:
        raise NoSuchTaskError(given=item.strip())
    return JSON(with_commands(found))


@queue_routes.post(
    "/queue/hand-over", **operation("hand_over", queue_documents.HandedOver, acting=True)
)
def hand_over(by: ActionCaller, shift: bodies.Shift) -> JSON:
    """Hand over all your claimed items to another person, at the end of a shift."""
    to = check_person(inputs.text("name", limit=100)(shift.to))
    by.take_quota(1)
    order = by.envelope(0, c.HandOver(by=by.by, to=to))
    given = by.app.hand_over(order, dry_run=by.dry_run)
    refused = [answer for answer in given if answer.refusal is not None]
    if refused:
        raise by.refused(refused[0])
    return JSON({"items": actions.action_documents(by.app, given)})


order_routes = router("orders")


MAX_ORDERS = 10_000
MAX_SITES = 100
"""The maximum number of sites compared in one request: an adapter can take a while for each
site."""


class Reconcile(bodies.Form):
    """The sites whose actual state is checked.

    By default these are the sites that are down, or whose actual state differs from their order;
    with `all`, every site. `repair`: repeat the orders that are not in effect; you must name a site
    that is still down after a loss of data. `cancelled`: also repeat cancelled orders; the customer
    is not notified again.
    """

    sites: list[Annotated[str, Field(max_length=300)]] = Field([], max_length=MAX_SITES)
    all: bool = False
    repair: bool = False
    cancelled: bool = False


@order_routes.get("/orders", **operation("look", order_documents.Orders))
def orders(  # noqa: PLR0917 - called by FastAPI, by names
    by: ReadCaller,
    dead: Annotated[bool, Query(description="Only dead letters.")] = False,
    braked: Annotated[bool, Query(description="Only orders that the brake holds back.")] = False,
    late: Annotated[bool, Query(description="Only late orders to external systems.")] = False,
    lane: Annotated[Lane | None, Query()] = None,
    site: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ORDERS, description="Maximum number of items.")] = 100,
    cursor: Cursor = None,
) -> JSON:
    """List orders that are not carried out, dead letters first."""
    wanted = OrderFilter(
        site=None if site is None else inputs.site(site), lane=lane,
        state="dead" if dead else "braked" if braked else "late" if late else None,
    )  # fmt: skip
    with by.reading() as connection:
        found = unsettled_page(
            connection, by.app.now(connection), wanted, limit=limit, cursor=cursor,
            unset=by.app.lanes_without_channel,
        )  # fmt: skip
    return JSON({"items": found.items, "next": found.next})


@order_routes.get("/orders/{order}", **operation("look", order_documents.OrderInFull))
def show(
    by: ReadCaller,
    order: Annotated[
        str, Path(max_length=300, description="An ID such as 12-o45 or 12-o45.notice.")
    ],
) -> JSON:
    """Show an order, its attempts, and its result."""
    named, app = inputs.order(order), by.app
    with by.reading() as connection:
        found = views.order(
            connection,
            *named,
            when=by.when,
            now=app.now(connection),
            unset=app.lanes_without_channel,
        )
    return JSON(masked.document(found))


@order_routes.post("/reconcile", **operation("reconcile", order_documents.Reconciled, acting=True))
def reconcile(by: PermanentKeyCaller, which: Reconcile) -> JSON:
    """Ask the adapters for the actual state of sites, compare it, and record the result."""
    names, left = [inputs.site(name) for name in which.sites], 0
    if not names:
        with by.reading() as connection:
            names, left = sites.mismatched(connection, every=which.all, most=MAX_SITES)
    compared = by.app.compare(
        names, by_name=bool(which.sites), by=by.by, login=by.identity.login,
        repair=which.repair, dry_run=by.dry_run, cancelled=which.cancelled,
        key=None if by.key is None else f"{by.by}:{by.key}", given_key=by.key,
    )  # fmt: skip
    return JSON({"items": [each.document() for each in compared], "left": left})


notice_routes = router("notices")


class UnknownNoticeError(RefusedError):
    """no notice named {given!r}: use one of {known}"""


@notice_routes.get("/notices", **operation("look", enforcement_documents.Notices))
def notices(by: ReadCaller) -> JSON:
    """List the notices: who receives each notice, and when."""
    return JSON({"items": notice_settings.listed(by.app.lanes_without_channel)})


@notice_routes.get("/notices/{notice}/preview", **operation("look", enforcement_documents.Letters))
def read(
    by: ReadCaller,
    notice: Annotated[str, Path(max_length=100, description="A notice's name.")],
    language: Annotated[Literal["zh_CN", "en"] | None, Query()] = None,
    incident: Annotated[str | None, Query(max_length=100)] = None,
    site: Annotated[str | None, Query(max_length=300)] = None,
) -> JSON:
    """Preview a notice; nothing is sent.

    The facts are sample facts, or those of an incident, or those of the last order for a site. A
    preview for an incident or a site names the customer and contains the link to the customer page:
    it needs the action `give_link`, and goes on record as a reveal.
    """
    if site is not None and incident is not None:
        raise InputError.coded("site_and_incident", "give either site or incident, not both")
    if notice not in NOTICES:
        raise UnknownNoticeError(given=notice, known=", ".join(NOTICES))
    wording = notice_settings.wording(by.app.settings.zone)
    facts = _notice_facts(by, notice, incident, site)
    languages = wording.languages if language is None else (language,)
    return JSON({"items": list(preview.letters(wording, notice, facts, languages))})


def _notice_facts(by: Caller, notice: str, incident: str | None, site: str | None) -> AnyFacts:
    if incident is None and site is None:
        return samples.of(notice)
    key = None if incident is None else inputs.incident(incident)
    name = None if site is None else inputs.site(site)
    about = name or str(incident).strip()
    by.needs("give_link", about=about)
    by.reveals(about)
    with by.reading() as connection:
        now, link = by.app.now(connection), customer_link.load_notice_link()
        subject = (
            preview.of_site(connection, str(name)) if key is None else preview.of_incident(key)
        )
        return preview.of(connection, notice, subject, now, link).facts
