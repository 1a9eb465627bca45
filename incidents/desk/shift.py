"""The shift: all that one person holds, given to another at its end."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from incidents.desk.desk import Desk
from incidents.desk.envelope import Answer, Envelope
from incidents.desk.transaction import MAX_BATCH
from incidents.store import desk_state
from incidents.store.cases import work
from incidents.store.database.engine import Reading


def hand_over(
    desk: Desk,
    reading: Reading,
    order: Envelope,
    *,
    of: Collection[int] | None = None,
    dry_run: bool = False,
) -> list[Answer]:
    """Sends the hand-over in `order` to each site on which its person holds something, or to those
    `of` them.

    Each site has a key of its own, `K:12` for the key K and the site 12. What somebody else has let
    go since we looked is left out: nothing is left to give.

    Raises:
        DatabaseError: when the database does not do its part.
    """
    sites = [site for site in _sites(reading, order) if of is None or site in of]
    given: list[Answer] = []
    for start in range(0, len(sites), MAX_BATCH):
        envelopes = [_to(order, site) for site in sites[start : start + MAX_BATCH]]
        given += desk.submit(envelopes, dry_run=dry_run)
    return [a for a in given if a.refusal is None or a.refusal.name != "nothing_held"]


def _sites(reading: Reading, order: Envelope) -> list[int]:
    """The sites on which they hold something; for a key that was used, those of then."""
    with reading() as connection:
        held = work.sites_claimed_by(connection, order.command.by)
        before = [] if order.key is None else desk_state.sites_under(connection, order.key)
    # A batch is done whole or not at all: only after full ones can some have been left undone.
    return before if len(before) % MAX_BATCH else sorted({*before, *held})


def _to(order: Envelope, site: int) -> Envelope:
    return replace(order, site=site, key=None if order.key is None else f"{order.key}:{site}")
