"""Erasure over HTTP: of a person's words on request, and of what was kept long enough."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import Field

from incidents import clock
from incidents.api import bodies, problems
from incidents.api.caller import Caller
from incidents.api.entrance import Looking, Trying
from incidents.api.limits import ERASING
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents import policies
from incidents.desk import pseudonyms
from incidents.desk.erasure_request import Demand, Demands
from incidents.settings import retention
from incidents.values import inputs, site_name

routes = router("erasing")


class Demanding(bodies.Form):
    """Why a person's words are to go; `confirm` is the name of their site, or the handle of an
    account."""

    reason: bodies.Text
    confirm: Annotated[str, Field(max_length=300)] | None = None


@routes.post("/sites/{site}/erase", **operation("erase", policies.Erased, acting=True))
def erase(
    by: Trying,
    site: Annotated[str, Path(max_length=300, description="A site's name.")],
    demand: Demanding,
) -> JSON:
    """Erase what people have said about a site, and whom to call, if it is old enough; for good.

    That is what was recorded 184 days ago or earlier, or as long ago as the setting [retention]
    keep says. The record keeps its entries, and proves as before.
    """
    name, reason, house = inputs.site(site), inputs.text("reason")(demand.reason), by.house
    demands = Demands(
        desk=house.desk, engine=house.engine, folder=house.settings.evidence,
        keep=retention.of_settings(),
    )  # fmt: skip
    with ERASING.taken():
        met = demands.meet(
            Demand(site=name, reason=reason, by=by.by, login=by.identity.login),
            clock.now(), dry_run=by.dry_run, told=by.when.until,
            confirm=lambda: _confirm(
                site_name.is_called(name, demand.confirm), "people's words for good",
                "the site's name",
            ),
        )  # fmt: skip
    return JSON(met.document(dry_run=by.dry_run))


@routes.post("/accounts/{handle}/erase", **operation("erase", policies.ErasedAccount, acting=True))
def erase_sign_ins(
    by: Trying,
    handle: Annotated[str, Path(max_length=100, description="An account's handle.")],
    demand: Demanding,
) -> JSON:
    """Put pseudonyms in the log of sign-ins in place of an account and its addresses; for good.

    That is where the log is 184 days old or older, or as old as the setting [retention] keep says.
    """
    reason, house = inputs.text("reason")(demand.reason), by.house
    with ERASING.taken():
        met = pseudonyms.meet_account_demand(
            house.desk, house.engine, retention.of_settings(),
            pseudonyms.AccountDemand(
                handle=handle, reason=reason, by=by.by, login=by.identity.login
            ),
            clock.now(), dry_run=by.dry_run, told=by.when.until,
            confirm=lambda: _confirm(
                demand.confirm == handle, "for good who signed in", "the account's handle"
            ),
        )  # fmt: skip
    return JSON(met.document(dry_run=by.dry_run))


@routes.get("/retention", **operation("look", policies.Retention))
def show(by: Looking) -> JSON:
    """How long people's words are kept, and what could be erased now."""
    return _looked(by)


@routes.post("/retention/run", **operation("erase", policies.Retention, acting=True))
def run(by: Trying) -> JSON:
    """Erase people's words that are older than the setting [retention] keep, and needed no more.

    What stays: the words about an incident that is not settled, whom to call on a site that is not
    closed, the reason of a hold or of a request that runs. Without the setting nothing is erased.
    """
    if by.dry_run:
        return _looked(by)
    house = by.house
    with ERASING.taken():
        aged = pseudonyms.erase_aged(
            house.desk, house.engine, house.settings.evidence, retention.of_settings(),
            clock.now(), by=by.by, login=by.identity.login,
        )  # fmt: skip
    return JSON(aged.document(dry_run=False))


def _looked(by: Caller) -> JSON:
    house, keep = by.house, retention.of_settings()
    with ERASING.taken():
        aged = pseudonyms.look_at_aged(house.engine, house.settings.evidence, keep, clock.now())
    return JSON(aged.document(dry_run=True))


def _confirm(is_meant: bool, what: str, name: str) -> None:
    """Check that the request confirms the erasure with the name; raises Problem 422."""
    if not is_meant:
        raise problems.unprocessable(
            "not_confirmed", f"this erases {what}: give {name} in `confirm`; nothing is done"
        )
