"""Erasure over HTTP: of personal data on request, and of expired data."""

from __future__ import annotations

from time import monotonic
from typing import Annotated

from fastapi import Path
from pydantic import Field

from incidents import clock
from incidents.api import bodies, problems
from incidents.api.authentication import DryRunCaller, ReadCaller
from incidents.api.caller import Caller
from incidents.api.limits import ERASING
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents import policies
from incidents.desk import pseudonyms
from incidents.desk.erasure_request import ErasureRequest, ErasureRequests
from incidents.desk.inbox.reporter_erasure import ReporterErasureRequest, ReporterErasures
from incidents.settings import retention
from incidents.values import inputs, site_name

routes = router("erasing")

# The daemon goes on with what a request has no time for.
_LIMIT_S = 20.0


class Demanding(bodies.Form):
    """The reason for an erasure.

    `confirm` repeats the site's name, the account's handle or the reporter's address.
    """

    reason: bodies.Text
    confirm: Annotated[str, Field(max_length=300)] | None = None


@routes.post("/sites/{site}/erase", **operation("erase", policies.Erased, acting=True))
def erase(
    by: DryRunCaller,
    site: Annotated[str, Path(max_length=300, description="A site's name.")],
    demand: Demanding,
) -> JSON:
    """Erase the texts about a site and its contact, if old enough. This cannot be undone.

    This erases only texts that are at least 184 days old, or at least as old as the setting
    [retention] keep says. The entries stay in the record and can still be proved.
    """
    name, reason, app = inputs.site(site), inputs.text("reason")(demand.reason), by.app
    demands = ErasureRequests(
        desk=app.desk, engine=app.engine, folder=app.settings.evidence,
        keep=retention.of_settings(),
    )  # fmt: skip
    with ERASING.taken():
        met = demands.execute(
            ErasureRequest(site=name, reason=reason, by=by.by, login=by.identity.login),
            clock.now(), dry_run=by.dry_run, format_time=by.when.until,
            confirm=lambda: _confirm(
                site_name.matches_name(name, demand.confirm), "people's words",
                "the site's name",
            ),
        )  # fmt: skip
    return JSON(met.document(dry_run=by.dry_run))


@routes.post("/accounts/{handle}/erase", **operation("erase", policies.ErasedAccount, acting=True))
def erase_sign_ins(
    by: DryRunCaller,
    handle: Annotated[str, Path(max_length=100, description="An account's handle.")],
    demand: Demanding,
) -> JSON:
    """Replace an account and its addresses in the sign-in log with pseudonyms.

    This cannot be undone. It applies to log entries that are at least 184 days old, or at least as
    old as the setting [retention] keep says.
    """
    reason, app = inputs.text("reason")(demand.reason), by.app
    with ERASING.taken():
        met = pseudonyms.erase_account(
            app.desk, app.engine, retention.of_settings(),
            pseudonyms.AccountErasureRequest(
                handle=handle, reason=reason, by=by.by, login=by.identity.login
            ),
            clock.now(), dry_run=by.dry_run, format_time=by.when.until,
            confirm=lambda: _confirm(
                demand.confirm == handle, "the account's sign-in data", "the account's handle"
            ),
        )  # fmt: skip
    return JSON(met.document(dry_run=by.dry_run))


@routes.post(
    "/reporters/{reporter}/erase", **operation("erase", policies.ErasedReporter, acting=True)
)
def erase_reporter(
    by: DryRunCaller,
    reporter: Annotated[str, Path(max_length=254, description="A reporter's address or name.")],
    demand: Demanding,
) -> JSON:
    """Erase a reporter: their address, and what was read out of their reports that have ended.

    This cannot be undone. It applies to what is at least 184 days old, or at least as old as the
    setting [retention] keep says. Mails to them that wait are dropped. A standing stays in force.
    """
    name, reason, app = inputs.reporter(reporter), inputs.text("reason")(demand.reason), by.app
    with ERASING.taken():
        met = ReporterErasures(
            desk=app.desk, engine=app.engine, folder=app.settings.evidence,
            keep=retention.of_settings(),
        ).execute(
            ReporterErasureRequest(
                reporter=name, reason=reason, by=by.by, login=by.identity.login
            ),
            clock.now(), dry_run=by.dry_run, format_time=by.when.until,
            confirm=lambda: _confirm(
                (demand.confirm or "").strip().lower() == name, "the reporter's data",
                "the reporter's address",
            ),
        )  # fmt: skip
    return JSON(met.document(dry_run=by.dry_run))


@routes.get("/retention", **operation("look", policies.Retention))
def show(by: ReadCaller) -> JSON:
    """Show how long texts are kept, and which texts could be erased now."""
    return _looked(by)


@routes.post("/retention/run", **operation("erase", policies.Retention, acting=True))
def run(by: DryRunCaller) -> JSON:
    """Erase texts that are older than [retention] keep and no longer needed.

    These texts stay: those about an incident that is not settled, the contact of a site that is not
    closed, and the reason of a hold or a request that is still in effect. If [retention] keep is
    not set, no text is erased. Stored answers to commands with a key, and most checkpoints, are
    deleted after 30 days, or after [retention] keys and [retention] checkpoints.
    """
    if by.dry_run:
        return _looked(by)
    app, until = by.app, monotonic() + _LIMIT_S
    with ERASING.taken():
        aged = pseudonyms.erase_expired(
            app.desk, app.engine, app.settings.evidence, retention.of_settings(),
            clock.now(), by=by.by, login=by.identity.login, stopped=lambda: monotonic() > until,
        )  # fmt: skip
    return JSON(aged.document(dry_run=False))


def _looked(by: Caller) -> JSON:
    app, keep = by.app, retention.of_settings()
    with ERASING.taken():
        aged = pseudonyms.count_expired(app.engine, app.settings.evidence, keep, clock.now())
    return JSON(aged.document(dry_run=True))


def _confirm(is_meant: bool, what: str, name: str) -> None:
    """Check that `confirm` in the request repeats the name; raises Problem 422."""
    if not is_meant:
        raise problems.unprocessable(
            "not_confirmed",
            f"nothing was done: this erases {what} for good, so give {name} in `confirm`",
        )
