"""The register of a run: sites, and incidents on them, written by the desk itself in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.desk.transaction import MAX_BATCH
from incidents.machine.commands import AddSite, Command, Log
from incidents.store.database import engine as engines

OPERATOR = "operator-1"
LOGIN = "operator"
NOTE = "Found by the morning's round; the page lists addresses of malware."


@contextmanager
def desk_of(url: str, *, at: Callable[[], datetime] | None = None) -> Iterator[Desk]:
    """The desk of that database, by the real clock or by one of its own; let go of at the end."""
    engine = engines.create(url)
    try:
        yield Desk(engine, clock=at or clock.now)
    finally:
        engine.dispose()


def site_name(n: int) -> str:
    """The name of the n-th site."""
    return f"site-{n}.example.com"


def logging(site: int, n: int, *, bare: bool = False) -> Envelope:
    """The n-th logging of a site: with an address and a note, or with neither."""
    command = Log(by=OPERATOR) if bare else Log(by=OPERATOR, urls=(address(site, n),), note=NOTE)
    return Envelope(site=site_name(site), command=command, login=LOGIN)


def address(site: int, n: int) -> str:
    """The address that the n-th logging of a site names."""
    return f"https://{site_name(site)}/page-{n}.html"


def add_sites(desk: Desk, numbers: Sequence[int]) -> None:
    """Takes the sites of these numbers into the register."""
    submit(desk, [(site_name(n), AddSite(by=OPERATOR)) for n in numbers])


def submit(desk: Desk, acts: Sequence[tuple[str, Command]]) -> None:
    """Has acts done in batches as big as can be.

    Raises:
        RuntimeError: if the desk refuses one: what is measured is not what was meant.
    """
    for first in range(0, len(acts), MAX_BATCH):
        batch = [
            Envelope(site=site, command=command, login=LOGIN)
            for site, command in acts[first : first + MAX_BATCH]
        ]
        taken(desk, batch)


def taken(desk: Desk, envelopes: Sequence[Envelope]) -> None:
    """Submits one batch.

    Raises:
        RuntimeError: if the desk refuses a part of it.
    """
    for answer in desk.submit(envelopes):
        if answer.refusal is not None:
            raise RuntimeError(f"refused: {answer.refusal}")
