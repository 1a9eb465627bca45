"""The runs (R3), as a policy counts them: what is shown of sites whose cases are not loaded.

`sites.run` is the run as the last event had it, which another policy may count otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from incidents.machine.policy import Policy
from incidents.store import incidents, suspensions
from incidents.store.slices import FIRST, LAST


def under(
    connection: Connection, rows: Iterable[Mapping[str, Any]], policy: Policy
) -> Counter[int]:
    """The run of each of those sites under `policy`, by the site's id; two queries at most."""
    epochs = {row["id"]: row["epoch"] for row in rows if row["last_suspension"]}
    since = dict.fromkeys(epochs, FIRST)
    if epochs and policy.run != "total":
        ends = sorted((id_, epoch, *LAST) for id_, epoch in epochs.items())
        for id_, reached in incidents.REACHED_BEFORE.ask(connection, ends, most=1).all():
            since[id_] = reached.place
    if not epochs:
        return Counter()
    starts = sorted((id_, epoch, *since[id_]) for id_, epoch in epochs.items())
    return Counter(id_ for id_, _ in suspensions.STANDING_AFTER.ask(connection, starts).all())
