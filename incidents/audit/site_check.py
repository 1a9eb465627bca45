"""The sites: that what was decided follows from what stands before it, under the policy named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from operator import itemgetter

from incidents.audit.bundle_log import BundleLog, Places
from incidents.audit.entry import decode
from incidents.audit.finding import Finding
from incidents.audit.flaw import Flaw
from incidents.audit.fold import UNREADABLE, said
from incidents.audit.leaf_check import NUMBERLESS
from incidents.audit.live_log import LiveLog
from incidents.audit.log_port import Placed
from incidents.audit.periods import Periods
from incidents.audit.redecide import Redecision
from incidents.audit.share import Span
from incidents.machine.policy import Policy

ENOUGH = 20

Tell = Callable[[int], object]


def of_database(log: LiveLog, span: Span, periods: Periods, *, tell: Tell) -> list[Flaw]:
    """The sites of a span, in the database."""
    return check(log.placed(span), periods.policies, periods, tell)


def of_bundle(
    log: BundleLog,
    places: Places,
    policies: Mapping[str, Policy],
    periods: Periods | None,
    *,
    tell: Tell,
) -> list[Flaw]:
    """The sites whose entries stand there, site by site."""
    return check(log.read(places), policies, periods, tell)


def check(
    entries: Iterable[Placed],
    policies: Mapping[str, Policy],
    periods: Periods | None,
    tell: Tell,
) -> list[Flaw]:
    """The first wrong entry of each site, of entries that stand site by site."""
    flaws: list[Flaw] = []
    for site_id, stream in groupby(entries, itemgetter(0)):
        count, flaw = _of_site(Redecision(site_id, policies, periods), stream)
        tell(count)
        if flaw is not None:
            flaws.append(flaw)
            if len(flaws) == ENOUGH:
                break
    return flaws


def _of_site(redecision: Redecision, stream: Iterable[Placed]) -> tuple[int, Flaw | None]:
    """How many entries the site has, and what is wrong with the first wrong one."""
    count = 0
    for count, (site_id, place, body) in enumerate(stream, 1):
        leaf = place if place < NUMBERLESS else None
        try:
            header, event = decode(body.decode())
        except UNREADABLE as error:
            where = _where(f"site {site_id}", leaf)
            return count, Flaw(part="entries", where=where, what=said(error), leaf=leaf)
        wrong = redecision.take(header, event, place)
        if wrong is not None:
            return count, _flaw(wrong, leaf)
    wrong = redecision.end()
    return count, None if wrong is None else _flaw(wrong, None)


def _flaw(wrong: Finding, leaf: int | None) -> Flaw:
    return Flaw(
        part="policy", where=f"{wrong.site}, {_where(f'entry {wrong.row}', leaf)}",
        what=str(wrong.found), site=wrong.site, entry=wrong.row, leaf=leaf, expected=wrong.expected,
    )  # fmt: skip


def _where(entry: str, leaf: int | None) -> str:
    return entry if leaf is None else f"{entry}, leaf {leaf}"
