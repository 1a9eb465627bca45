"""Contact clocks: sites with one open incident each, logged by a desk whose clock is told."""

from __future__ import annotations

from datetime import datetime, timedelta

from bench.register import add_sites, desk_of, logging, site_name, submit, taken

CONTACT = timedelta(hours=1)
"""How long a contact clock runs under the documented policy."""


def due_together(url: str, clocks: int, due: datetime) -> None:
    """So many sites, each with one clock that runs out at `due`."""
    now = due - CONTACT
    with desk_of(url, at=lambda: now) as desk:
        numbers = range(1, clocks + 1)
        add_sites(desk, numbers)
        submit(desk, [(site_name(n), logging(n, 1).command) for n in numbers])


def due_one_after_the_other(
    url: str, clocks: int, first_due: datetime, apart: timedelta, *, at_once: int = 1
) -> None:
    """So many sites, each with one clock: `at_once` are due at `first_due`, the next `apart` later,
    and so on.
    """
    moment = [first_due - CONTACT]
    with desk_of(url, at=lambda: moment[0]) as desk:
        add_sites(desk, range(1, clocks + 1))
        for first in range(1, clocks + 1, at_once):
            sites = range(first, min(first + at_once, clocks + 1))
            taken(desk, [logging(site, 1) for site in sites])
            moment[0] += apart
