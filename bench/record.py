"""A record of many entries: sites through all that happens at a desk, copied often enough."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

from bench.copies import OF_RECORD, multiply
from bench.databases import connect
from bench.register import OPERATOR, add_sites, desk_of, logging, site_name, submit
from incidents import clock
from incidents.machine.commands import Command, Elapse, RecordContact, StateRemoved

_SAMPLE = 500
_DAY = timedelta(hours=30)


def write(url: str, entries: int) -> int:
    """Fills the database with at least so many entries that a replay agrees with; how many."""
    sites = max(1, min(_SAMPLE, entries // 20))
    _write_sample(url, sites)
    written = count(url)
    copies = -(-entries // written) - 1
    if copies > 0:
        multiply(url, copies, OF_RECORD)
    return count(url)


def count(url: str) -> int:
    """How many entries there are."""
    with closing(connect(url)) as connection:
        found: int = connection.execute("SELECT count(*) FROM entries").fetchone()[0]
        return found


def _write_sample(url: str, sites: int) -> None:
    """Each site: an incident that is reached and removed, one that suspends it, one more open."""
    names = [site_name(n) for n in range(1, sites + 1)]
    moment = [clock.now() - 3 * _DAY]

    def all_do(command: Command) -> None:
        submit(desk, [(name, command) for name in names])

    def all_log(n: int) -> None:
        submit(desk, [(name, logging(s, n).command) for s, name in enumerate(names, 1)])

    with desk_of(url, at=lambda: moment[0]) as desk:
        add_sites(desk, range(1, sites + 1))
        all_log(1)
        all_do(RecordContact(by=OPERATOR, incident=1, outcome="no-answer"))
        all_do(RecordContact(by=OPERATOR, incident=1, outcome="reached"))
        all_do(StateRemoved(by=OPERATOR, incident=1))
        moment[0] += _DAY
        all_log(2)
        # Its hour lapses, the site is suspended, and opened again; each at its own time.
        for hours in (2, 13):
            moment[0] += timedelta(hours=hours)
            all_do(Elapse())
        all_do(RecordContact(by=OPERATOR, incident=2, outcome="reached"))
        all_do(StateRemoved(by=OPERATOR, incident=2))
        moment[0] = clock.now()
        all_log(3)
