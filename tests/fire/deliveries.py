"""Deliveries: orders that are carried out while everybody who does it is killed at random.

Several daemons on one database tell one receiver by webhook what an operator's decisions order, and
all of them are put through the fire (see `deliveries_fire`). Time goes five times as fast, so that
leases and retries are what they are. What the receiver wrote down and what is on record at the end
must agree (see `deliveries_checker`).
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.acceptance.daemons import engine_of, incidents
from tests.databases import postgresql_server, sqlite_folder
from tests.fire import deliveries_checker
from tests.fire.deliveries_fire import DeliveryRun
from tests.fire.deliveries_watch import LEASE
from tests.fire.deliveries_world import world

UNIT = "orders"
ON_POSTGRESQL, ON_SQLITE = 10_000, 1_000

COMES_BACK_WITHIN = timedelta(seconds=30)
"""The time until another daemon takes over a dead one's orders."""

_MOST_SITES = 400
_SHOWN = 20


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Run one seeded piece of the long run: with an odd seed on PostgreSQL, else shorter on SQLite.

    Raises:
        AssertionError: with the findings, the seed and where the evidence is.
    """
    if seed % 2:
        figures = on_postgresql(seed, folder, ON_POSTGRESQL)
    else:
        figures = on_sqlite(seed, folder, ON_SQLITE)
    shutil.rmtree(folder)
    return figures


def on_postgresql(seed: int, folder: Path, orders: int, daemons: int = 4) -> Counter[str]:
    """Deliver orders by several daemons on one PostgreSQL; raises as `chunk` does."""
    with postgresql_server() as databases, databases.empty() as url:
        return _run("postgresql", url, seed, folder, orders, daemons)


def on_sqlite(seed: int, folder: Path, orders: int, daemons: int = 2) -> Counter[str]:
    """Deliver orders by several daemons on one SQLite file; raises as `chunk` does."""
    with sqlite_folder() as databases, databases.empty() as url:
        return _run("sqlite", url, seed, folder, orders, daemons)


def _run(kind: str, url: str, seed: int, folder: Path, orders: int, daemons: int) -> Counter[str]:
    try:
        with DeliveryRun(url, seed, folder, daemons=daemons, sites=_sites(orders)) as fire:
            fire.burn(orders)
            fire.die_down()
            fire.read_logs()
        figures = fire.figures + _of_leases(fire.overdue) + _judged(url, folder)
    except AssertionError as error:
        raise AssertionError(
            f"seed {seed} on {kind}: {error}\nthe receiver's ledger, the export, the processes' "
            f"logs and what was done to them (story.jsonl): {folder}"
        ) from error
    return figures + Counter({f"orders on {kind}": figures[UNIT]})


def _sites(orders: int) -> int:
    """Few enough sites for several orders each, also while earlier ones are under way."""
    return min(max(40, orders // 5), _MOST_SITES)


def _of_leases(overdue: list[timedelta]) -> Counter[str]:
    """Count the leases that ended, and check that their orders came back.

    Raises:
        AssertionError: if it did not, in time.
    """
    longest = max(overdue, default=timedelta(0))
    assert longest <= COMES_BACK_WITHIN, f"an order came back after {longest}"
    at_once = sum(each <= LEASE + timedelta(seconds=1) for each in overdue)
    return Counter(
        {"leases seen to end": len(overdue), "leases taken up within a second of it": at_once}
    )


def _judged(url: str, folder: Path) -> Counter[str]:
    """The ledger against the record, and the record against its tables.

    Raises:
        AssertionError: with the findings.
    """
    exported = incidents(url, "audit", "export").stdout
    (folder / "export.jsonl").write_text(exported)
    with engine_of(url) as engine:
        found = world(engine, folder / "ledger", exported)
    findings = deliveries_checker.check(found)
    assert not findings, "\n".join([f"{len(findings)} findings:", *findings[:_SHOWN]])
    incidents(url, "audit", "replay")
    incidents(url, "audit", "verify")
    return deliveries_checker.figures(found)
