"""Several couriers at once: each order is in one hand, and nobody waits for another."""

import json
from concurrent.futures import ThreadPoolExecutor

from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.store import leases
from incidents.store.database.engine import create, writing
from incidents.store.leases import Claimed
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal
from tests.store.conftest import Opener
from tests.store.order_rows import (
    LEASE,
    any_due,
    claim,
    claim_due,
    delivered,
    due,
    hold,
    names,
    read_due,
    unhold,
)


def test_what_others_are_taking_at_this_moment_is_left_to_them(
    postgresql_url: str, opened: Opener
) -> None:
    with rehearsal(postgresql_url) as day:
        day.add("a.example", "b.example")
        for site in ("a.example", "b.example"):
            hold(day, site)
            unhold(day, site)
        other = opened(postgresql_url)
        found = read_due(day)
        with writing(day.engine) as one, writing(other) as two:
            two.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
            first = leases.claim(one, "d1", found[:1], now=TEN, lease=LEASE)
            second = leases.claim(two, "d2", found, now=TEN, lease=LEASE)
            assert (names(first), names(second)) == ([("a.example", 2)], [("b.example", 2)])
            assert due(two, now=TEN) == found[:1]


def test_what_the_desk_has_under_its_lock_is_not_waited_for(
    postgresql_url: str, opened: Opener
) -> None:
    with rehearsal(postgresql_url) as day:
        day.add("a.example", "b.example")
        hold(day)
        hold(day, "b.example")
        other = opened(postgresql_url)
        with writing(other) as desk:
            locked = "SELECT 1 FROM deliveries WHERE site_id = 1 AND lane = 'act' FOR UPDATE"
            desk.exec_driver_sql(locked).all()
            with writing(day.engine) as courier:
                courier.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
                taken = claim_due(courier, "d1", now=TEN)
            assert names(taken) == [("b.example", 2)]
        assert names(claim(day)) == [("a.example", 2)]


def test_four_couriers_at_once_take_each_order_once_and_in_order(
    day: Rehearsal, db_url: str
) -> None:
    """A round is over when nothing is due; in between each settles what it has in hand."""
    sites = [f"s{n}.example" for n in range(30)]
    day.add(*sites)
    # A hold of today would cancel the opening that waits.
    older = c.SetHold(by="li", reason="r", alone=True)
    for command in (older, c.LiftHold(by="li", reason="r")) * 2:
        day.desk.submit([Envelope(site=site, command=command) for site in sites])

    def carry_out(name: str) -> list[Claimed]:
        engine, found = create(db_url), []
        own = Rehearsal(engine, day.now)
        try:
            while any_due(own):
                taken = claim(own, name, most=4)
                found += taken
                own.desk.submit(
                    [Envelope(site=each.site, command=delivered(each.seq)) for each in taken]
                )
        finally:
            engine.dispose()
        return found

    with ThreadPoolExecutor(4) as threads:
        taken = [each for found in threads.map(carry_out, "abcd") for each in found]
    assert sorted(names(taken)) == sorted((s, seq) for s in sites for seq in (2, 3, 4, 5))
    assert all(each.attempt == 1 for each in taken)
    settled: dict[object, list[str]] = {}
    for site_id, body in day.rows("SELECT site_id, body FROM entries ORDER BY site_id, site_seq"):
        entry = json.loads(str(body))
        if entry["kind"] == "order_delivered":
            settled.setdefault(site_id, []).append(entry["data"]["order"].partition("-")[2])
    assert len(settled) == len(sites)
    assert all(orders == ["o2", "o3", "o4", "o5"] for orders in settled.values())
