"""The activations: which policy was the active one since when, from the desk's own stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from incidents.record.entry import decode
from incidents.record.own_acts import PolicyActivated
from incidents.store.tables import DESK_STREAM, entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """One act: `by`, logged in as `login`, made `policy` the active one at that time (UTC).
    `seconded_by` signed in for it as well, where it took two people.

    `policy` and `previous` are digests; `reason` is a reference to a sealed value.
    """

    at: datetime
    by: str
    login: str | None
    policy: str
    previous: str
    toml: str
    reason: str
    seconded_by: str | None


def history(connection: Connection) -> Iterator[Activation]:
    """All activations on record, the earliest first.

    Raises:
        UnreadableEntryError: of an entry that the desk has not written.
    """
    ours = select(entries.c.body).where(entries.c.site_id == DESK_STREAM)
    for body in connection.scalars(ours.order_by(entries.c.site_seq)):
        header, event = decode(body)
        if isinstance(event, PolicyActivated):
            yield Activation(
                at=event.recorded_at,
                by=event.by,
                login=header.login,
                policy=event.policy,
                previous=event.previous,
                toml=event.toml,
                reason=event.text,
                seconded_by=event.seconded_by,
            )
