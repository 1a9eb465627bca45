"""The sites whose decisions are not carried out.

A person still has to decide, or the site's adapter only logs the order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, String, cast, exists, func, literal, literal_column, select

from incidents.clock import rfc3339
from incidents.machine import events as e
from incidents.machine.actions.orders import is_lifted
from incidents.machine.case import UNKNOWN
from incidents.machine.command import BRAKED, BY_HAND, DOWN, FORCE, LEFT_DOWN, LOG, SUPERSEDED
from incidents.machine.orders import NOTICE
from incidents.record import entry
from incidents.record.entry import Header
from incidents.store import deliveries
from incidents.store.archive import whole
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import deliveries as delivery_table
from incidents.store.schema.log_tables import down, orders
from incidents.store.schema.tables import sites
from incidents.store.schema.types import words
from incidents.values.ids import ACT, order_id
from incidents.views import left_down

if TYPE_CHECKING:
    from incidents.contract.documents.orders import OnlyLogged


def withheld_sites(connection: Connection, site_ids: Collection[int]) -> set[int]:
    """Return the sites to take down whose last order is held by the brake or cancelled untried."""
    last = _last_down(connection, site_ids)
    held = {(site, each.order): each.braked for site, each in deliveries.chains(connection, last)}
    settled = {site: seq for site, seq in last.items() if (site, seq) not in held}
    braked = {site for site, seq in last.items() if held.get((site, seq))}
    gone = _cancelled(connection, settled)
    return braked | {site for site, event in gone.items() if not event.tried}


def sites_up(connection: Connection, site_ids: Collection[int]) -> set[int]:
    """Return those of these sites that are up as far as is known, whatever was ordered."""
    of = sites.c
    up = select(of.id).where(of.id.in_(site_ids), of.in_force.not_in(words(*DOWN.values())))
    return set(connection.scalars(up))


def is_cancelled(connection: Connection, site_id: int) -> bool:
    """Whether the site should be down, but its last order was cancelled by hand."""
    return bool(_cancelled(connection, _last_down(connection, [site_id])))


def is_dropped(connection: Connection, site_id: int, order: int) -> bool:
    """Whether the order to take a site down was never tried and never will be.

    An order that a hold replaced is carried out with the hold.
    """
    chain = [each for _, each in deliveries.chains(connection, [site_id])]
    own = next((each for each in chain if each.order == order), None)
    if own is not None:
        return not own.attempts and not own.dead and is_lifted(own, chain, UNKNOWN)
    last = next(order_events(connection, site_id, ACT, order=order), None)
    return isinstance(last, e.OrderCancelled) and not last.tried and last.why != SUPERSEDED


def taken_down_at(connection: Connection, site_id: int, order: int) -> datetime | None:
    """Return when the order took the site down (UTC): the first attempt, or its completion.

    Otherwise, return when a person released the order from the brake, or placed a hold that orders
    the same. None if the order only waits.
    """
    story = list(order_events(connection, site_id, ACT, order=order))
    was_braked = any(isinstance(each, e.OrderFailed) and each.problem == BRAKED for each in story)
    released = (each.recorded_at for each in story if was_braked and _is_release(each))
    return (
        _done_at(story)
        or deliveries.claimed_since(connection, site_id, order)
        or next(released, None)
    )


def opened_at(connection: Connection, site_id: int, order: int) -> datetime | None:
    """Return when the order to open the site was carried out (UTC); None if it was not."""
    return _done_at(order_events(connection, site_id, ACT, order=order))


def still_opens(connection: Connection, site_id: int, order: int) -> bool:
    """Whether the order to open the site waits, for its attempt or for a person's decision."""
    return any(each.order == order for _, each in deliveries.chains(connection, [site_id]))


def is_kept_down(connection: Connection, site_id: int, order: int) -> bool:
    """Whether the order to open the site was cancelled because a hold or a loss keeps it down."""
    last = next(order_events(connection, site_id, ACT, order=order), None)
    return isinstance(last, e.OrderCancelled) and last.why in (SUPERSEDED, LEFT_DOWN)


def was_down(connection: Connection, site_id: int, before: int) -> bool:
    """Whether an order before the order `before` may actually have taken the site down."""
    for _, each in deliveries.chains(connection, [site_id]):
        if each.order < before and each.kind in DOWN and each.attempts and not each.dead:
            return True
    for event in order_events(connection, site_id, ACT):
        if event.order >= before or (event.order_kind not in DOWN and not _is_done(event)):
            continue
        if _is_done(event) or _is_uncertain(event):
            return event.order_kind in DOWN
    return False


def was_notified_down(connection: Connection, site_id: int, before: int) -> bool:
    """Whether the customer's last notice of a state before the order `before` said "down"."""
    down_states = (
        event.order_kind in DOWN
        for event in order_events(connection, site_id, NOTICE)
        if event.order < before and event.order_kind in FORCE and _is_done(event)
    )
    return next(down_states, False)


def was_notified_of_end(connection: Connection, site_id: int, before: int) -> bool:
    """Whether the last notice that `was_notified_down` finds announced the end of a suspension.

    When that letter was sent, neither a hold nor a loss was known to outlast the suspension.
    """
    of = entries.c
    for head, event in _order_entries(connection, site_id, NOTICE):
        if event.order >= before or event.order_kind not in FORCE or not _is_done(event):
            continue
        own = select(of.body).where(of.site_id == site_id, of.site_seq == event.order)
        [(body,)] = whole.of_one_site(connection, own, site_id, newest_first=True, most=1)
        cause = entry.decode(body)[1]
        if not isinstance(cause, e.SiteSuspended):
            return False
        at = event.recorded_at
        return not left_down.was_kept_down(connection, site_id, head.site_seq, at)
    return False


def _is_release(event: e.OrderEvent) -> bool:
    by_hold = isinstance(event, e.OrderCancelled) and event.why == SUPERSEDED
    return by_hold or isinstance(event, e.OrderRetried)


def _done_at(story: Iterable[e.OrderEvent]) -> datetime | None:
    return next((each.recorded_at for each in story if _is_done(each)), None)


def _is_done(event: e.OrderEvent) -> bool:
    return isinstance(event, e.OrderDelivered)


def _is_uncertain(event: e.OrderEvent) -> bool:
    """Whether the order may have been carried out, because it was tried with an unknown outcome."""
    if isinstance(event, e.OrderFailed):
        return event.problem != BRAKED
    return isinstance(event, e.OrderCancelled) and event.tried


def _last_down(connection: Connection, site_ids: Collection[int]) -> dict[int, int]:
    """The number of the last order to the live system, for each site that should be down."""
    if not site_ids:
        return {}
    is_down = sites.c.state.in_(words(*DOWN.values()))
    left = set(connection.scalars(select(sites.c.id).where(sites.c.id.in_(site_ids), is_down)))
    of, found = orders.c, dict[int, int]()
    for source in _sources(connection, left):
        query = select(of.site_id, func.max(of.site_seq)).where(
            of.site_id.in_(left), of.kind.in_(words(*FORCE))
        )
        found |= map(tuple, source.execute(query.group_by(of.site_id)))
        left.difference_update(found)
        if not left:
            break
    return found


def _cancelled(connection: Connection, last: Mapping[int, int]) -> dict[int, e.OrderCancelled]:
    """The cancellations of those orders (site: number), by site."""
    of, own = entries.c, orders.c
    left, found = set(last), dict[int, e.OrderCancelled]()
    for source in _sources(connection, left) if left else ():
        query = select(of.body).where(of.site_id.in_(left), of.body.contains(_CANCELLED))
        for header, event in map(entry.decode, source.scalars(query)):
            if (
                isinstance(event, e.OrderCancelled)
                and (event.order, event.lane) == (last[header.site_id], ACT)
                and event.why == BY_HAND
            ):
                found[header.site_id] = event
        # What became of an order is not in an older part than the order.
        there = select(own.site_id, own.site_seq).where(own.site_id.in_(left))
        left.difference_update(site for site, seq in source.execute(there) if seq == last[site])
        if not left:
            break
    return found


def _sources(connection: Connection, left: Collection[int]) -> Iterator[Connection]:
    """The database, and then the parts, newest first, that have entries of sites still `left`."""
    return whole.sources(connection, whole.of_sites(connection, left), newest_first=True)


def order_events(
    connection: Connection, site_id: int, lane: str, *, order: int | None = None
) -> Iterator[Any]:
    """The events about the site's orders in that lane, or about one order, last first."""
    return (event for _, event in _order_entries(connection, site_id, lane, order=order))


def _order_entries(
    connection: Connection, site_id: int, lane: str, *, order: int | None = None
) -> Iterator[tuple[Header, Any]]:
    of = entries.c
    named = "" if order is None else f'{order_id(site_id, order)}"'
    about = of.body.contains(f'"lane":"{lane}","order":"{named}', autoescape=True)
    query = select(of.body).where(of.site_id == site_id, about).order_by(of.site_seq.desc())
    those = whole.of_site(connection, site_id)
    for source in whole.sources(connection, those, newest_first=True):
        for body in source.scalars(query):
            yield entry.decode(body)


_CANCELLED = '"kind":"order_cancelled"'


MAX_READ = 100
"""The maximum number of orders to take a site down to read, latest first."""


def is_only_logged(event: Any) -> bool:
    """Whether the event shows that an order to the live system was only logged."""
    is_done = isinstance(event, e.OrderDelivered) and event.lane == ACT
    return is_done and not event.enforced and event.adapter == LOG


def was_only_logged(connection: Connection, site_id: int, order: int | None = None) -> bool:
    """Whether the site's last order to the live system, or the order `order`, was only logged."""
    return is_only_logged(next(order_events(connection, site_id, ACT, order=order), None))


def newest_only_logged(connection: Connection) -> OnlyLogged | None:
    """The newest order to take a site down that was only logged, and is the site's last."""
    row = connection.execute(_NEWEST).first()
    if row is None:
        return None
    return {
        "id": order_id(row.site_id, row.site_seq),
        "site": row.name,
        "kind": row.kind,
        "lane": ACT,
        "ordered_at": rfc3339(row.created_at),
    }


_of = orders.c
_last = (
    select(_of.site_id, _of.site_seq, _of.kind, _of.created_at)
    .where(down)
    .order_by(_of.created_at.desc(), _of.site_id.desc(), _of.site_seq.desc())
    .limit(literal_column(str(MAX_READ)))
    .subquery("last")
)
_waits = exists().where(
    delivery_table.c.site_id == _last.c.site_id, delivery_table.c.lane == words(ACT)[0]
)
_name = cast(_last.c.site_id, String) + literal("-o") + cast(_last.c.site_seq, String)
_logged = exists().where(
    entries.c.site_id == _last.c.site_id,
    entries.c.site_seq > _last.c.site_seq,
    entries.c.body.contains(literal(f'"lane":"{ACT}","order":"') + _name + literal('"')),
    entries.c.body.contains(f'"adapter":"{LOG}"'),
    entries.c.body.contains('"kind":"order_delivered"', autoescape=True),
    # A field with its usual value is not written.
    ~entries.c.body.contains('"enforced":true'),
)
_NEWEST = (
    select(_last, sites.c.name)
    .join(sites, sites.c.id == _last.c.site_id)
    .where(
        sites.c.state.in_(words(*DOWN.values())),
        sites.c.in_force != sites.c.state,
        sites.c.last_act == _last.c.site_seq,
        ~_waits,
        _logged,
    )
    .order_by(_last.c.created_at.desc(), _last.c.site_id.desc(), _last.c.site_seq.desc())
    .limit(literal_column("1"))
)
