"""One more violation of a site: its place among those that close the site together (R1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.contract.documents.sites import SiteState
from incidents.errors import RefusedError
from incidents.machine.policy import Policy
from incidents.machine.rules.repeat_rule import place_of_next
from incidents.store.cases import incidents, sites
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

    The names are as typed; those that are of no site are left out. The function takes at most two
    queries.
    """
    typed = {name: site for name in names if (site := _site(name)) is not None}
    rows = sites.known(connection, typed.values())
    counting = {(row["id"], row["epoch"]) for row in rows.values() if row["state"] != "closed"}
    places = next_places(connection, counting, now, policy)
    return {
        name: NextViolation(row["state"], row["held"], places.get(row["id"]))
        for name, site in typed.items()
        if (row := rows.get(site)) is not None
    }


def next_places(
    connection: Connection, of: Iterable[tuple[int, int]], now: datetime, policy: Policy
) -> dict[int, int]:
    """The place that one more violation at `now` (UTC) takes, from 1, by the site's id.

    `of`: the ids and epochs of sites that are not closed. The function takes at most one query.
    """
    given = sorted((site_id, epoch, now) for site_id, epoch in of)
    times: dict[int, list[datetime]] = {site_id: [] for site_id, *_ in given}
    most = policy.repeat_count - 1
    if given and most:
        for site_id, incident in incidents.NEAREST_BEFORE.fetch(connection, given, most=most).all():
            times[site_id].append(incident.occurred_at)
    return {site_id: place_of_next(sorted(at), policy, now) for site_id, at in times.items()}


def _site(name: str) -> str | None:
    try:
        return inputs.site(name)
    except RefusedError:
        return None
