"""One more violation of a site: its place among those that close the site together (R1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.contract.documents.sites import SiteState
from incidents.errors import RefusedError
from incidents.machine.policy import Policy
from incidents.store.cases import incidents, sites
from incidents.store.cases.site_row import Row
from incidents.values import inputs


@dataclass(frozen=True, slots=True)
class NextViolation:
    """The state of the site, and the place that one more violation takes, from 1.

    At the policy's count it closes the site. `place`: None on a closed site, where none counts.
    """

    state: SiteState
    held: bool
    place: int | None


def next_violations(
    connection: Connection, names: Iterable[str], now: datetime, policy: Policy
) -> dict[str, NextViolation]:
    """One more violation of each site, if it occurred at `now` (UTC).

    The names are as typed; those that are of no site are left out.
    """
    found = {}
    for name in names:
        try:
            found[name] = _next(connection, sites.named(connection, inputs.site(name)), now, policy)
        except RefusedError:
            continue
    return found


def _next(connection: Connection, site: Row, now: datetime, policy: Policy) -> NextViolation:
    if site["state"] == "closed":
        return NextViolation(site["state"], site["held"], None)
    most, place = policy.repeat_count - 1, (site["id"], site["epoch"], now)
    before = incidents.NEAREST_BEFORE.fetch(connection, [place], most=most).all() if most else []
    counted = sum(incident.occurred_at >= now - policy.repeat_within for _, incident in before)
    return NextViolation(site["state"], site["held"], counted + 1)
