"""The plan: what has to be done about the names of a site for one order, or why nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from incidents import log
from incidents.enforcement.port import Failed, Order, Outcome, Skipped
from incidents.enforcement.powerdns import note as notes
from incidents.enforcement.powerdns.api import Zone
from incidents.enforcement.powerdns.names import Standing
from incidents.enforcement.powerdns.note import Hold, Note
from incidents.enforcement.powerdns.records import changes, leading
from incidents.enforcement.powerdns.settings import Notice

_STALE = Skipped(why="stale")
_NO_ZONE = Failed(problem="no_zone", detail="no zone of this PowerDNS holds the site's name")
_COPIED = Failed(
    problem="secondary_zone",
    detail="the zone is copied from another server, where it has to be changed",
)
_UNSEEN = Failed(
    problem="serial_stands",
    detail="the zone has secondaries, and they would not see the change, since its serial number"
    " does not grow: set its metadata SOA-EDIT-API to DEFAULT",
)
_DELEGATED = Failed(
    problem="delegated", detail="the zone delegates the name to other servers, which answer for it"
)
_NO_RECORDS = Failed(problem="no_records", detail="nothing in the zone leads to the site")
_TOO_MANY = Failed(
    problem="too_many_records", detail="the name has more records than a note can keep"
)
LOST = Failed(
    problem="records_lost",
    detail="the name leads to the notice page, and there is no note of what it had before",
)

_log = log.logger("acts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is to be done about one name: the note is written first, then the changes are made, and
    then older notes are removed, kind by kind."""

    zone: Zone
    name: str
    note: Note | None = None
    changes: Sequence[dict[str, Any]] = ()
    forget: tuple[str, ...] = ()


Plan = list[Step] | Outcome
"""The steps, or what there is to say without any."""


class _Ended(Exception):  # noqa: N818  # an end, not an error
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def taking_down(order: Order, standings: Sequence[Standing | None], notice: Notice) -> Plan:
    """The names, of which the first is the site's own, are to show the notice.

    The others may be missing. If one of them cannot be changed, nothing is done about any.
    """
    try:
        steps = [
            _taking_down(order, standing, notice, is_own=not n)
            for n, standing in enumerate(standings)
        ]
    except _Ended as ended:
        return ended.outcome
    return [step for step in steps if step is not None]


def putting_back(order: Order, standings: Sequence[Standing | None], notice: Notice) -> Plan:
    """The names are to be again what they were; raises ConflictError as the notes do."""
    try:
        steps = [
            _putting_back(order, standing, notice, is_own=not n)
            for n, standing in enumerate(standings)
        ]
    except _Ended as ended:
        return ended.outcome
    return [step for step in steps if step is not None]


def _taking_down(
    order: Order, standing: Standing | None, notice: Notice, *, is_own: bool
) -> Step | None:
    standing = _changeable(standing, is_own=is_own)
    if standing is None:
        return None
    if standing.is_delegated:
        raise _Ended(_DELEGATED)
    _check_order(order, standing.note)
    found = leading(standing.found)
    if standing.note is None:
        if not found and not standing.is_covered:
            _end(_NO_RECORDS, is_own=is_own)
            return None
        if notes.new(standing.name).knowing(notice.put).is_in_force(found):
            # Somebody has done it by hand, and knows what was there before; nobody here does.
            return None
    before = standing.note or notes.new(standing.name)
    note = before.taken_down(standing.found, notice.put).held(order.site, _hold(order))
    if len(note.text()) > notes.MAX_CHARACTERS:
        raise _Ended(_TOO_MANY)
    changed = changes(standing.found, notice.sets(standing.name, standing.found))
    is_new = note != standing.note
    return Step(
        zone=standing.zone,
        name=standing.name,
        note=note if is_new else None,
        changes=changed,
        forget=notes.older(standing.name, standing.metadata, note if is_new else standing.note),
    )


def _putting_back(
    order: Order, standing: Standing | None, notice: Notice, *, is_own: bool
) -> Step | None:
    standing = _changeable(standing, is_own=is_own)
    if standing is None:
        return None
    note = standing.note
    if note is None:
        if notes.new(standing.name).knowing(notice.put).is_in_force(standing.found):
            _end(LOST, is_own=is_own)
        return None
    _check_order(order, note)
    if order.site not in note.holds:
        return None
    left = note.let_go(order.site)
    if left.holds:
        forget = notes.older(standing.name, standing.metadata, left)
        return Step(zone=standing.zone, name=standing.name, note=left, forget=forget)
    wanted = note.put_back(standing.found)
    if note.is_changed(standing.found):
        _log.warning(
            "somebody has changed the records of a site that was down; what they changed is left"
            " as it is",
            site=order.site,
        )
    return Step(
        zone=standing.zone,
        name=standing.name,
        changes=changes(standing.found, wanted),
        forget=notes.older(standing.name, standing.metadata, None),
    )


def _changeable(standing: Standing | None, *, is_own: bool) -> Standing | None:
    if standing is None:
        _end(_NO_ZONE, is_own=is_own)
    elif standing.zone.is_copied:
        raise _Ended(_COPIED)
    elif standing.zone.is_copied_on and not standing.raises_serial:
        raise _Ended(_UNSEEN)
    return standing


def _check_order(order: Order, note: Note | None) -> None:
    held = None if note is None else note.holds.get(order.site)
    if held is not None and held.is_after(_hold(order)):
        raise _Ended(_STALE)


def _hold(order: Order) -> Hold:
    return Hold(order=order.id, kind=order.kind, ordered_at=order.ordered_at, seq=order.seq)


def _end(outcome: Outcome, *, is_own: bool) -> None:
    """What is missing of the site's own name is for a person to see, of its www. it is not."""
    if is_own:
        raise _Ended(outcome)
