"""The only logged: orders into the world that were given to an adapter which does nothing there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, String, cast, exists, literal, literal_column, select

from incidents.clock import rfc3339
from incidents.machine import events as e
from incidents.machine.in_force import DOWN, LOG
from incidents.store.schema.log_tables import deliveries, down, orders
from incidents.store.schema.tables import entries, sites
from incidents.store.schema.types import words
from incidents.values.ids import ACT, order_id
from incidents.views.withheld import became

if TYPE_CHECKING:
    from incidents.contract.documents.orders import OnlyLogged


Document = dict[str, Any]

MAX_LOOKED = 100
"""So many of the last orders to take a site down are looked at, however many there are."""


def is_only_logged(event: Any) -> bool:
    """Whether the event says so of an order into the world."""
    is_done = isinstance(event, e.OrderDelivered) and event.lane == ACT
    return is_done and not event.enforced and event.adapter == LOG


def was_last(connection: Connection, site_id: int) -> bool:
    """Whether that is what became of the site's last order into the world."""
    return is_only_logged(next(became(connection, site_id, ACT), None))


def was(connection: Connection, site_id: int, order: int) -> bool:
    """Whether that is what became of that order of the site."""
    return is_only_logged(next(became(connection, site_id, ACT, order=order), None))


def newest(connection: Connection) -> OnlyLogged | None:
    """The last order to take a site down of which only that came, and the site still is to be down:
    nobody has ordered anything else since. None if there is none."""
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
    .limit(literal_column(str(MAX_LOOKED)))
    .subquery("last")
)
_waits = exists().where(deliveries.c.site_id == _last.c.site_id, deliveries.c.lane == words(ACT)[0])
_name = cast(_last.c.site_id, String) + literal("-o") + cast(_last.c.site_seq, String)
_logged = exists().where(
    entries.c.site_id == _last.c.site_id,
    entries.c.site_seq > _last.c.site_seq,
    entries.c.body.contains(literal(f'"lane":"{ACT}","order":"') + _name + literal('"')),
    entries.c.body.contains(f'"adapter":"{LOG}"'),
    entries.c.body.contains('"kind":"order_delivered"', autoescape=True),
    # What is as ever is not written.
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
