"""Logging on a site with a long past, beside logging on a new one.

Measured: milliseconds of `Desk.submit` with one `Log` (an address and a note): once on the site
with 100,000 past incidents, once on a new one, in turn in one process; the median of each. A third
site, with 3 past incidents, shows what any past costs, however short: what the rules compare with
is read. After each, outside the time, the responsible person is reached and the content removed,
and the desk's clock moves on by 13 hours, so that no rule acts.

The past: three incidents written by the desk, and the rest copied from them by SQL with other
numbers and times, four hours apart, over the last 46 years; rows of incidents, addresses and
contacts, all settled, reached in time and countable, as they burden R1's and R3's indexes most.

Not measured: what past suspensions cost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from statistics import median
from time import perf_counter
from typing import Any

from bench import workers
from bench.context import Context, settle
from bench.databases import POSTGRESQL, SQLITE, Databases, connect, kind_of
from bench.register import LOGIN, OPERATOR, add_sites, desk_of, logging, site_name, submit, taken
from bench.trial import Contender, Figure, Target, Trial
from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine.commands import RecordContact, StateRemoved

OLD, YOUNG, FIRST_NEW = 1, 2, 3
NEW = "a new site"
YOUNG_LABEL = "a site with 3 past incidents"
_SAMPLE = 3
_APART = timedelta(hours=13)
_PAST_APART_S = 4 * 3_600
_TABLES = ("incidents", "incident_urls", "contacts")
_TIMES = ("occurred_at", "recorded_at", "contact_due")


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    # A planner that reads all of the past is found out by a long one only.
    past = context.of_size(tiny=300, small=100_002, full=100_002)
    timed = context.of_size(tiny=5, small=150, full=500)
    for databases in context.each():
        yield from _trial(context, databases, past, timed)


def _trial(context: Context, databases: Databases, past: int, timed: int) -> Iterator[Trial]:
    old = f"a site with {past:,} past incidents"
    with databases.new() as url:
        began = clock.now() - _APART * (_SAMPLE + 1)
        _write_past(url, began, past)
        with desk_of(url, at=lambda: began) as desk:
            add_sites(desk, range(FIRST_NEW, FIRST_NEW + context.rounds * timed))
        rounds = count()

        def once() -> list[Figure]:
            settle()
            medians = workers.alone(_loggings, url, began, past, timed, next(rounds) * timed)
            return [
                Figure(label, took_ms, "ms")
                for label, took_ms in zip((old, YOUNG_LABEL, NEW), medians, strict=True)
            ]

        yield Trial(
            scenario="old_site",
            database=databases.kind,
            title=f"{timed:,} loggings on each in turn, medians",
            contenders=[Contender(name="the desk", role="ours", run=once)],
            targets=[Target(of=old, against=NEW, at_most=1.2)],
            notes=["the past is copied by SQL from three incidents that the desk wrote"],
        )


def _loggings(url: str, began: datetime, past: int, timed: int, first: int) -> list[float]:
    """Milliseconds of the median logging on the old site, the young one, and new ones."""
    moment = [began]
    took: list[list[float]] = [[], [], []]
    with desk_of(url, at=lambda: moment[0]) as desk:
        for n in range(first, first + timed):
            moment[0] = began + _APART * (_SAMPLE + 1 + n)
            sites = [(0, OLD, past + n + 1), (1, YOUNG, _SAMPLE + n + 1), (2, FIRST_NEW + n, 1)]
            # Neither always comes first.
            for which, site, number in sites if n % 2 else reversed(sites):
                before = perf_counter()
                taken(desk, [logging(site, number)])
                took[which].append((perf_counter() - before) * 1_000)
                _settle(desk, site, number)
    return [median(times) for times in took]


def _settle(desk: Desk, site: int, incident: int) -> None:
    reached = RecordContact(by=OPERATOR, incident=incident, outcome="reached")
    removed = StateRemoved(by=OPERATOR, incident=incident)
    taken(
        desk,
        [Envelope(site=site_name(site), command=one, login=LOGIN) for one in (reached, removed)],
    )


def _write_past(url: str, began: datetime, past: int) -> None:
    _write_sample(url, began, OLD)
    copies = past // _SAMPLE - 1
    with closing(connect(url)) as connection:
        connection.execute("BEGIN")
        for table in _TABLES:
            connection.execute(_copy(connection, kind_of(url), table, copies))
        connection.execute(
            f"UPDATE sites SET last_incident = last_incident + {copies * _SAMPLE} "
            f"WHERE name = '{site_name(OLD)}'"
        )
        connection.execute("COMMIT")
        if kind_of(url) == POSTGRESQL:
            connection.execute("VACUUM (ANALYZE)")
    # What is copied is all that there is, so this one comes after it.
    _write_sample(url, began, YOUNG)


def _write_sample(url: str, began: datetime, site: int) -> None:
    """A site with three incidents, each reached in time and removed."""
    moment = [began]
    with desk_of(url, at=lambda: moment[0]) as desk:
        add_sites(desk, [site])
        for n in range(_SAMPLE):
            moment[0] = began + _APART * n
            submit(desk, [(site_name(site), logging(site, n + 1).command)])
            _settle(desk, site, n + 1)


def _copy(connection: Any, kind: str, table: str, copies: int) -> str:
    """The sample again and again, with higher numbers; each copy lies further back."""
    found = connection.execute(f"SELECT * FROM {table} LIMIT 0")
    names = [column[0] for column in found.description]
    number = "n" if table == "incidents" else "incident"
    values = ", ".join(_value(kind, table, name, number) for name in names)
    columns = ", ".join(f'"{name}"' for name in names)
    numbers = (
        f"WITH c(k) AS (SELECT generate_series(1, {copies}))"
        if kind == POSTGRESQL
        else f"WITH RECURSIVE c(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM c WHERE k < {copies})"
    )
    return (
        f"INSERT INTO {table} ({columns}) {numbers} SELECT {values} "
        f"FROM c CROSS JOIN {table} AS s ORDER BY c.k"
    )


def _value(kind: str, table: str, name: str, number: str) -> str:
    own = f's."{name}"'
    if name == number:
        return f"{own} + c.k * {_SAMPLE}"
    if table != "incident_urls" and name in _TIMES:
        back_s = _SAMPLE * _PAST_APART_S
        if kind == SQLITE:
            return f"{own} - c.k * {back_s * 1_000_000}"
        return f"{own} - c.k * interval '{back_s} seconds'"
    return own
