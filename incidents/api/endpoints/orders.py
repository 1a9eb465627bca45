"""The orders over HTTP: what is not carried out, what became of one, what is really in force."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query
from pydantic import Field

from incidents.api import bodies
from incidents.api.caller import Caller
from incidents.api.entrance import keeper, looker
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents import orders as order_answers
from incidents.store.cases import sites
from incidents.values import inputs
from incidents.views import masked

routes = router("orders")

Looking = Annotated[Caller, Depends(looker)]
Acting = Annotated[Caller, Depends(keeper)]
MAX_ORDERS = 10_000
MAX_SITES = 100
"""So many sites are compared in one request: each may take its adapter a while."""


class Reconcile(bodies.Form):
    """Which sites; none: those that are down, or of which something else is in force than ordered,
    or `all`. `repair`: order once more what is not in force, but for
    what a loss has left down and is not named; `cancelled`: also what somebody has cancelled, of
    which the customer is not told once more."""

    sites: list[Annotated[str, Field(max_length=300)]] = Field([], max_length=MAX_SITES)
    all: bool = False
    repair: bool = False
    cancelled: bool = False


@routes.get("/orders", **operation("look", order_answers.Orders))
def orders(
    by: Looking,
    dead: Annotated[bool, Query(description="Only what is given up.")] = False,
    braked: Annotated[bool, Query(description="Only what the brake holds.")] = False,
    site: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ORDERS, description="At most so many.")] = 100,
) -> JSON:
    """Orders that are not carried out, dead letters first."""
    name = None if site is None else inputs.site(site)
    with by.reading() as connection:
        found = by.house.views.unsettled(
            connection, by.house.now(connection), site=name, only_dead=dead, only_braked=braked,
            limit=limit,
        )  # fmt: skip
    return JSON({"items": found})


@routes.get("/orders/{order}", **operation("look", order_answers.OrderInFull))
def show(
    by: Looking,
    order: Annotated[str, Path(max_length=300, description="Such as 12-o45 or 12-o45.notice.")],
) -> JSON:
    """What an order says, how often it was tried, and what became of it."""
    named, house = inputs.order(order), by.house
    with by.reading() as connection:
        found = house.views.order(connection, *named, when=by.when, now=house.now(connection))
    return JSON(masked.document(found))


@routes.post("/reconcile", **operation("reconcile", order_answers.Reconciled, acting=True))
def reconcile(by: Acting, which: Reconcile) -> JSON:
    """Ask the adapters how sites really stand, and compare; what is found goes on record."""
    by.needs("reconcile")
    names, left = [inputs.site(name) for name in which.sites], 0
    if not names:
        with by.reading() as connection:
            names, left = sites.in_doubt(connection, every=which.all, most=MAX_SITES)
    compared = by.house.compare(
        names, by_name=bool(which.sites), by=by.by, login=by.identity.login,
        repair=which.repair, dry_run=by.dry_run, cancelled=which.cancelled,
        key=None if by.key is None else f"{by.by}:{by.key}",
    )  # fmt: skip
    items = [each.document() for each in compared]
    return JSON({"items": items, "left": left})
