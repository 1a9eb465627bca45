"""A courier lets go of orders while the desk writes the same rows, in whatever order it likes."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Connection

from incidents.store import leases
from incidents.store.database.engine import writing
from incidents.store.leases import Claimed
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.patience import until
from tests.store.conftest import Opener
from tests.store.order_rows import LEASE, claim, hold, there

_WRITE = "UPDATE deliveries SET next_at = next_at WHERE site_id = {} AND lane = 'act'"
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


def test_neither_waits_for_what_waits_for_it(postgresql_url: str, opened: Opener) -> None:
    with rehearsal(postgresql_url) as day, ThreadPoolExecutor(1) as thread:
        day.add("a.example", "b.example")
        hold(day)
        hold(day, "b.example")
        taken = claim(day)
        with writing(opened(postgresql_url)) as desk:
            # As the desk does it: the sites in order, then the rows as the database finds them.
            desk.exec_driver_sql("SELECT 1 FROM sites ORDER BY id FOR NO KEY UPDATE").all()
            desk.exec_driver_sql(_WRITE.format(2))
            letting_go = thread.submit(let_go, day, taken)
            wait_for_a_wait(desk)
            desk.exec_driver_sql(_WRITE.format(1))
        letting_go.result()

        assert [there(day, 2, site=site)["held_by"] for site in (1, 2)] == [None, None]


def let_go(day: Rehearsal, taken: list[Claimed]) -> None:
    """All in one transaction, as a courier does it."""
    with writing(day.engine) as courier:
        for each in taken:
            assert leases.postpone(courier, each, day.now + LEASE, problem="http_503")


def wait_for_a_wait(connection: Connection) -> None:
    """Until somebody waits for a lock."""
    until(lambda: connection.exec_driver_sql(_WAITING).scalar(), "somebody waits for a lock")
