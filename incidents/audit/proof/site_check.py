"""The sites: that what was decided follows from what stands before it, under the policy named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from incidents.audit.flaw import Flaw
from incidents.audit.proof.bundle_log import BundleLog, Places
from incidents.audit.proof.leaf_check import NUMBERLESS
from incidents.audit.proof.live_log import LiveLog
from incidents.audit.replay.fold import UNREADABLE, said
from incidents.audit.replay.periods import Periods
from incidents.audit.replay.redecide import Redecision
from incidents.audit.replay.rows import Finding
from incidents.audit.replay.stream import Some, Span
from incidents.audit.workers.log_port import Placed
from incidents.machine.policy import Policy
from incidents.record.entry import decode

ENOUGH = 20

Tell = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is decided by: the policies by digest, and which was active, if that is known.

    Of an act whose entries stand at `open_from` or after, some may stand after the end of the log:
    a checkpoint may come between them. Of a `part` more may be left out.
    """

    policies: Mapping[str, Policy]
    periods: Periods | None
    open_from: int = NUMBERLESS * 2
    part: bool = False


@dataclass(frozen=True, slots=True)
class Decided:
    """What is wrong, and how many sites end within an act, the rest of which is not here."""

    flaws: list[Flaw]
    unfinished: int = 0


def of_database(log: LiveLog, sites: Span | Some, rules: Rules, *, tell: Tell) -> Decided:
    """These sites, in the database."""
    del tell
    return check(log.placed(sites), rules)


def of_bundle(log: BundleLog, places: Places, rules: Rules, *, tell: Tell) -> Decided:
    """The sites whose entries stand there, site by site."""
    del tell
    return check(log.read(places), rules)


def check(entries: Iterable[Placed], rules: Rules) -> Decided:
    """The first wrong entry of each site, of entries that stand site by site."""
    flaws: list[Flaw] = []
    unfinished = 0
    for site_id, stream in groupby(entries, itemgetter(0)):
        redecision = Redecision(site_id, rules.policies, rules.periods)
        last, flaw = _taken(redecision, stream)
        wrong = redecision.end() if flaw is None else None
        torn = wrong is not None and wrong.expected is not None and last >= rules.open_from
        if torn or (wrong is not None and rules.part):
            unfinished += 1
        elif wrong is not None:
            flaw = _flaw(wrong, None)
        if flaw is not None:
            flaws.append(flaw)
            if len(flaws) == ENOUGH:
                break
    return Decided(flaws, unfinished)


def _taken(redecision: Redecision, stream: Iterable[Placed]) -> tuple[int, Flaw | None]:
    """Where a site's last entry stands, and what is wrong with the first wrong one."""
    place = 0
    for site_id, place, body in stream:
        leaf = place if place < NUMBERLESS else None
        try:
            header, event = decode(body.decode())
            wrong = redecision.take(header, event, place)
        except UNREADABLE as error:
            where = _where(f"site {site_id}", leaf)
            return place, Flaw(part="entries", where=where, what=said(error), leaf=leaf)
        if wrong is not None:
            return place, _flaw(wrong, leaf)
    return place, None


def _flaw(wrong: Finding, leaf: int | None) -> Flaw:
    return Flaw(
        part="policy", where=f"{wrong.site}, {_where(f'entry {wrong.row}', leaf)}",
        what=str(wrong.found), site=wrong.site, entry=wrong.row, leaf=leaf, expected=wrong.expected,
    )  # fmt: skip


def _where(entry: str, leaf: int | None) -> str:
    return entry if leaf is None else f"{entry}, leaf {leaf}"
