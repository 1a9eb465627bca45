"""The rows of orders as a test looks at them and marks them, and the acts that make them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from incidents.machine import commands as c
from incidents.machine.case import Case
from incidents.store import due_orders, leases
from incidents.store.cases import cases, sites, slices
from incidents.store.database.engine import reading, writing
from incidents.store.leases import Claimed
from incidents.store.schema.log_tables import deliveries as table
from tests.desk.rehearsal import Rehearsal

ACT, NOTICE = "act", "notice"
LEASE = timedelta(seconds=25)


def row(day: Rehearsal, order: int, lane: str = ACT, site: int = 1) -> dict[str, Any] | None:
    """The row of an order in a lane."""
    own = (table.c.site_id == site, table.c.site_seq == order, table.c.lane == lane)
    with reading(day.engine) as connection:
        found = connection.execute(select(table).where(*own)).mappings().first()
    return None if found is None else dict(found)


def there(day: Rehearsal, order: int, lane: str = ACT, site: int = 1) -> dict[str, Any]:
    """The same, of one that must be there."""
    found = row(day, order, lane, site)
    assert found is not None
    return found


def down_up_and_down(day: Rehearsal) -> None:
    """Orders to suspend, reopen and suspend, all waiting: as an older hold left them."""
    hold(day)
    unhold(day)
    day.give(c.SetHold(by="li", reason="ordered", alone=True))


def marked(day: Rehearsal, order: int, lane: str = ACT, **marks: Any) -> None:
    """Write what an attempt would have left."""
    own = (table.c.site_id == 1, table.c.site_seq == order, table.c.lane == lane)
    with writing(day.engine) as connection:
        assert connection.execute(update(table).where(*own).values(marks)).rowcount == 1


def slice_for(day: Rehearsal, command: c.Command) -> Case:
    """Load the slice of the first site that decides the command."""
    with writing(day.engine) as connection:
        rows = sites.lock(connection, [1])
        needs = {1: slices.need([command], day.now)}
        return cases.load(connection, rows, needs, day.desk.policy())[1]


def delivered(order: int, lane: str = ACT, attempts: int = 1) -> c.Command:
    """It was carried out."""
    return c.RecordDelivery(
        order=order, lane=lane, adapter="panel", attempts=attempts, enforced=True
    )


def failed(order: int, lane: str = ACT) -> c.Command:
    """It is given up."""
    return c.RecordFailure(
        order=order, lane=lane, adapter="panel", attempts=9, problem="http_503"
    )  # fmt: skip


def hold(day: Rehearsal, site: str = "a.example") -> None:
    """Order the site to be taken down."""
    assert day.give(c.SetHold(by="li", reason="ordered"), site).refusal is None


def unhold(day: Rehearsal, site: str = "a.example") -> None:
    """Order it to be opened."""
    assert day.give(c.LiftHold(by="li", reason="ordered"), site).refusal is None


def due(
    connection: Connection,
    lane: str = ACT,
    *,
    now: datetime,
    start: due_orders.Place = due_orders.START,
    most: int = 9,
) -> list[due_orders.Due]:
    """Read what is due, the longest due first."""
    due_orders.plan_by_index(connection)
    return due_orders.page(connection, lane, due_at=now, start=start, most=most)


def claim_due(
    connection: Connection,
    by: str,
    lane: str = ACT,
    *,
    now: datetime,
    lease: timedelta = LEASE,
    most: int = 9,
) -> list[Claimed]:
    """Take what is due in hand, the longest due first."""
    found = due(connection, lane, now=now, most=most)
    return leases.claim(connection, by, found, now=now, lease=lease)


def claim(
    day: Rehearsal, by: str = "d1", lane: str = ACT, *, most: int = 9, now: datetime | None = None
) -> list[Claimed]:
    """Take what is due in hand."""
    with writing(day.engine) as connection:
        return claim_due(connection, by, lane, now=now or day.now, most=most)


def names(claimed: list[Claimed]) -> list[tuple[str, int]]:
    """The leased orders, by site and number."""
    return [(each.site, each.seq) for each in claimed]


def put_off(day: Rehearsal, claimed: Claimed, by: timedelta, *, problem: str = "http_503") -> bool:
    """It failed, and is tried again so much later."""
    with writing(day.engine) as connection:
        return leases.postpone(
            connection, claimed, day.now + by, adapter="panel", problem=problem, detail="busy"
        )


def let_go(day: Rehearsal, claimed: Claimed, by: timedelta = timedelta(0)) -> bool:
    """It was not tried, and is due so much later."""
    with writing(day.engine) as connection:
        return leases.postpone(connection, claimed, day.now + by, tried=False)


def read_due(day: Rehearsal, lane: str = ACT) -> list[due_orders.Due]:
    """What is due now, the longest due first."""
    with reading(day.engine) as connection:
        return due(connection, lane, now=day.now)


def claim_these(day: Rehearsal, found: list[due_orders.Due], by: str = "d1") -> list[Claimed]:
    """Take what was read before in hand, as far as it can be."""
    with writing(day.engine) as connection:
        return leases.claim(connection, by, found, now=day.now, lease=LEASE)


def any_due(day: Rehearsal, lane: str = ACT) -> bool:
    """Whether anything is due now."""
    return bool(read_due(day, lane))
