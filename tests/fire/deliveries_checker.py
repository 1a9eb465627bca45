"""The checker of deliveries: what the receiver wrote down, held against what is on record.

A receiver by the documented rule leaves alone what is not newer than the last of its site; it is
applied here, to see where it leads.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from freezegun import freeze_time
from standardwebhooks import Webhook, WebhookVerificationError

from tests.fire.deliveries_world import STATES, Arrival, Fate, Ordered, Site, World


def check(world: World) -> list[str]:
    """List what is wrong, a line each; nothing if all is well."""
    return [
        *_unverified(world), *_altered(world), *_unsettled(world), *_unexplained(world),
        *_disordered(world), *_wrong_at_the_end(world),
    ]  # fmt: skip


def _unverified(world: World) -> Iterator[str]:
    """Each request is signed, as the library for receivers sees it at that time."""
    library = Webhook(world.secret)
    with freeze_time(tz_offset=0) as now:
        for arrival in world.arrivals:
            now.move_to(arrival.at)
            try:
                library.verify(arrival.body, arrival.headers)
            except WebhookVerificationError as error:
                yield f"{_of(arrival)}: not verified: {error}"


def _altered(world: World) -> Iterator[str]:
    """Each request says what was ordered, under the name of the order."""
    for arrival in world.arrivals:
        order, name = world.by_id.get(arrival.id), arrival.headers.get("webhook-id")
        if name != arrival.id:
            yield f"{_of(arrival)}: goes by {name}"
        elif order is None:
            yield f"{_of(arrival)}: nobody has ordered it"
        elif json.loads(arrival.body) != order.message():
            yield f"{_of(arrival)}: says {arrival.body}, ordered was {order.message()}"


def _unsettled(world: World) -> Iterator[str]:
    """Zero missing, zero twice: each order has come to one end, and none that was not ordered."""
    for order in world.orders:
        fate = world.fate(order.id)
        if not fate.settled:
            yield f"{order.id}: missing: it has come to no end"
        if fate.deliveries > 1:
            yield f"{order.id}: delivered {fate.deliveries} times by the record"
    for id_ in world.fates.keys() - world.by_id.keys():
        yield f"{id_}: settled, and nobody has ordered it"


def _unexplained(world: World) -> Iterator[str]:
    """List the orders whose outcome is not their receiver's answer."""
    own = defaultdict[str, list[Arrival]](list)
    for arrival in world.arrivals:
        own[arrival.id].append(arrival)
    for order in world.orders:
        fate, seen = world.fate(order.id), own[order.id]
        if fate.settled == "delivered" and not any(arrival.answered for arrival in seen):
            yield f"{order.id}: delivered by the record, and no request was answered so"
        if fate.settled == "dead" and fate.problem != "gone":
            yield f"{order.id}: given up: {fate.problem}"
        if fate.settled == "dead" and not any(arrival.unwanted for arrival in seen):
            yield f"{order.id}: gone by the record, and no request was answered so"
        # A retried dead letter says whether it was tried since.
        untried = fate.settled == "cancelled" and not (fate.tried or fate.retried)
        if untried and order.id in world.read:
            yield f"{order.id}: never tried by the record, and its receiver has read it"


def _disordered(world: World) -> Iterator[str]:
    """Nothing is sent before what was ordered before it was settled by an answer.

    Of one that was tried and then cancelled nobody knows when its last attempt arrives. A dead
    letter that is tried again comes when it comes.
    """
    for arrivals in world.by_site.values():
        first: dict[str, int] = {}
        for arrival in arrivals:
            fate = world.fate(arrival.id)
            settles = {"delivered": arrival.answered, "dead": arrival.unwanted}.get(fate.settled)
            if settles and not fate.retried:
                first.setdefault(arrival.id, arrival.place)
        for id_, place in first.items():
            seq = world.by_id[id_].seq
            early = [a for a in arrivals if world.seq(a) > seq and a.place < place]
            if early:
                yield f"{id_}: out of order: {_of(early[0])} came before its end ({place})"


def _wrong_at_the_end(world: World) -> Iterator[str]:
    """A receiver that keeps the rule has each site as it is in force on record, and as ordered.

    Where the last order is a dead letter a person must look.
    """
    ordered = sorted(world.orders, key=lambda order: order.seq)
    last: dict[int, Ordered] = {order.site_id: order for order in ordered}
    for site in world.sites:
        if site.id in last and world.fate(last[site.id].id).settled == "dead":
            continue
        there = _state_by_the_rule(world, site)
        if not there == site.in_force == site.state:
            yield (
                f"{site.name}: is {there} at its receiver, {site.in_force} in force by the record, "
                f"and ordered is {site.state}"
            )


def _state_by_the_rule(world: World, site: Site) -> str:
    kept = [arrival for arrival, why in _kept(world, site) if not why]
    return STATES[world.by_id[kept[-1].id].kind] if kept else "active"


def _kept(world: World, site: Site) -> Iterator[tuple[Arrival, str]]:
    """The deliveries of a site, in order, each with the reason why the rule ignores it, if any."""
    last, seen = 0, set[str]()
    for arrival in world.by_site.get(site.id, ()):
        if not arrival.done:
            continue
        seq = world.seq(arrival)
        if seq > last:
            yield arrival, ""
        elif seq == last:
            yield arrival, "duplicates of the last one"
        else:
            yield arrival, "late duplicates" if arrival.id in seen else "late arrivals"
        last, seen = max(last, seq), seen | {arrival.id}


def figures(world: World) -> Counter[str]:
    """Count what was seen: for a test of whether enough was tried, and for the page."""
    found = Counter({"orders": len(world.orders), "requests read": len(world.arrivals)})
    found.update(f"answered: {arrival.plan}" for arrival in world.arrivals)
    found.update(f"orders to {order.kind}" for order in world.orders)
    found.update(_named(fate) for fate in world.fates.values())
    found["dead letters tried again"] = sum(fate.retried for fate in world.fates.values())
    for site in world.sites:
        done = list(_kept(world, site))
        found.update(f"{why}, left alone" for _, why in done if why)
        without = STATES[world.by_id[done[-1][0].id].kind] if done else "active"
        found["sites wrong without the rule"] += without != _state_by_the_rule(world, site)
    return found


def _named(fate: Fate) -> str:
    if fate.settled != "cancelled":
        return f"orders {fate.settled}"
    return f"orders lifted {'after' if fate.tried else 'before'} they were tried"


def _of(arrival: Arrival) -> str:
    return f"request {arrival.place} ({arrival.id}, {arrival.plan})"
