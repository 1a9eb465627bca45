"""The plan of an order in PowerDNS: the state of the site's names, and the changes to make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from incidents import log
from incidents.enforcement.port import Failed, Order, Outcome, Skipped
from incidents.enforcement.powerdns import note as notes
from incidents.enforcement.powerdns.records import RecordSet, RecordSets, changes, leading
from incidents.enforcement.powerdns.server import EndedError, Session, Zone
from incidents.enforcement.powerdns.settings import Notice
from incidents.errors import BadSiteNameError
from incidents.values import site_name

if TYPE_CHECKING:
    from incidents.values.json_object import JSONObject

Contents = dict[str, dict[str, RecordSet]]
Metadata = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NameState:
    """The state of a name, with the metadata of its zone.

    `raises_serial`: a change raises the zone's serial number. `is_delegated`: the name is
    delegated, or below a DNAME. `is_covered`: a wildcard covers the name while the name has no
    records of its own.
    """

    zone: Zone
    name: str
    found: RecordSets
    note: notes.Note | None
    metadata: Metadata
    raises_serial: bool
    is_delegated: bool
    is_covered: bool


class Names:
    """The names as read in one attempt: each zone is read once, its records before its metadata.

    This order matters because two attempts to carry out one order can run at once, and each writes
    its note before its records. So if an attempt finds no note, the records that it has read are
    unchanged.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._zones: dict[str, tuple[Contents, Metadata, bool]] = {}

    def state_of(self, name: str) -> NameState | None:
        """The state of the name, with disabled records; None if no zone here contains the name."""
        zone = self._session.zone_of(name)
        if zone is None:
            return None
        if zone.id not in self._zones:
            sets, raises_serial = self._session.contents(zone)
            metadata = self._session.metadata(zone)
            self._zones[zone.id] = _by_name(sets), metadata, raises_serial
        contents, metadata, raises_serial = self._zones[zone.id]
        return NameState(
            zone=zone,
            name=name,
            found=contents.get(name, {}),
            note=notes.read(name, metadata),
            metadata=metadata,
            raises_serial=raises_serial,
            is_delegated=_is_delegated(zone, name, contents),
            is_covered=any(leading(contents.get(each, {})) for each in _wildcards(zone, name)),
        )

    def is_up(self, name: str, put: notes.Addresses) -> tuple[bool | None, notes.Note | None]:
        """Whether the name leads to more than the notice page, None if nowhere; and its note."""
        zone = self._session.zone_of(name)
        if zone is None:
            return None, None
        found = self._session.record_sets_of(zone, name)
        note = notes.read(name, self._session.metadata(zone))
        if leading(found):
            known = (note or notes.new(name)).with_addresses(put)
            return not known.is_in_force(found), note
        for each in _wildcards(zone, name):
            if leading(self._session.record_sets_of(zone, each)):
                return True, note
        return None, note


def names_of_site(site: str, *, www: bool) -> list[str]:
    """The names of a site, with a final dot; none if it is an address or an invalid name."""
    try:
        if site_name.read(site) != site or ":" in site or site.replace(".", "").isdecimal():
            return []
    except BadSiteNameError:
        return []
    names = [site, f"www.{site}"] if www else [site]
    return [f"{name}." for name in names if len(name) <= site_name.MAX_OCTETS]


def _by_name(sets: Iterable[RecordSet]) -> Contents:
    contents: Contents = {}
    for each in sets:
        contents.setdefault(each.name, {})[each.type] = each
    return contents


def _is_delegated(zone: Zone, name: str, contents: Contents) -> bool:
    """Whether the name is at or below an NS record (RFC 1034, 4.2.1) or a DNAME (RFC 6672)."""
    above = list(_above(zone, name))
    cuts = (each for each in (name, *above) if each != zone.name)
    return any("NS" in contents.get(each, {}) for each in cuts) or any(
        "DNAME" in contents.get(each, {}) for each in above
    )


def _wildcards(zone: Zone, name: str) -> Iterator[str]:
    return (f"*.{each}" for each in _above(zone, name))


def _above(zone: Zone, name: str) -> Iterator[str]:
    """The parent names, up to the name of the zone."""
    while name != zone.name:
        name = name.partition(".")[2]
        yield name


_STALE = Skipped(why="stale")
_NO_ZONE = Failed(problem="no_zone", detail="no zone of this PowerDNS holds the site's name")
_SECONDARY = Failed(
    problem="secondary_zone",
    detail="the zone is copied from another server, where it has to be changed",
)
_SERIAL_UNCHANGED = Failed(
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
    """The step for one name: write the note, make the changes, then remove the older notes."""

    zone: Zone
    name: str
    note: notes.Note | None = None
    changes: Sequence[JSONObject] = ()
    forget: tuple[str, ...] = ()


def plan(order: Order, states: Sequence[NameState | None], notice: Notice) -> list[Step]:
    """The steps that show the notice page for a site's names, or restore the names for a reopening.

    The first name is the site's own; the other names can be missing. If one name cannot be changed,
    none is changed.

    Raises:
        EndedError: if there is nothing to do, or if the order cannot be carried out.
        UnreadableNoteError, ConflictError: from the notes.
    """
    step = _putting_back if order.kind == "reopen" else _taking_down
    steps = [step(order, state, notice, is_own=not n) for n, state in enumerate(states)]
    return [each for each in steps if each is not None]


def _taking_down(
    order: Order, state: NameState | None, notice: Notice, *, is_own: bool
) -> Step | None:
    state = _changeable(state, is_own=is_own)
    if state is None:
        return None
    if state.is_delegated:
        raise EndedError(_DELEGATED)
    _check_order(order, state.note)
    found = leading(state.found)
    if state.note is None:
        if not found and not state.is_covered:
            _end_if_own(_NO_RECORDS, is_own=is_own)
            return None
        if notes.new(state.name).with_addresses(notice.put).is_in_force(found):
            # Somebody has done it by hand; only they know the former records.
            return None
    before = state.note or notes.new(state.name)
    note = before.taken_down(state.found, notice.put).with_hold(order.site, _hold(order))
    if len(note.text()) > notes.MAX_CHARACTERS:
        raise EndedError(_TOO_MANY)
    changed = changes(state.found, notice.sets(state.name, state.found))
    is_new = note != state.note
    return Step(
        zone=state.zone,
        name=state.name,
        note=note if is_new else None,
        changes=changed,
        forget=notes.older(state.name, state.metadata, note if is_new else state.note),
    )


def _putting_back(
    order: Order, state: NameState | None, notice: Notice, *, is_own: bool
) -> Step | None:
    state = _changeable(state, is_own=is_own)
    if state is None:
        return None
    note = state.note
    if note is None:
        if notes.new(state.name).with_addresses(notice.put).is_in_force(state.found):
            _end_if_own(LOST, is_own=is_own)
        return None
    _check_order(order, note)
    if order.site not in note.holds:
        return None
    left = note.without_hold(order.site)
    if left.holds:
        forget = notes.older(state.name, state.metadata, left)
        return Step(zone=state.zone, name=state.name, note=left, forget=forget)
    wanted = note.put_back(state.found)
    if note.is_changed(state.found):
        _log.warning(
            "somebody has changed the records of a site that was down; what they changed is left"
            " as it is",
            site=order.site,
        )
    return Step(
        zone=state.zone,
        name=state.name,
        changes=changes(state.found, wanted),
        forget=notes.older(state.name, state.metadata, None),
    )


def _changeable(state: NameState | None, *, is_own: bool) -> NameState | None:
    if state is None:
        _end_if_own(_NO_ZONE, is_own=is_own)
    elif state.zone.is_secondary:
        raise EndedError(_SECONDARY)
    elif state.zone.is_primary and not state.raises_serial:
        raise EndedError(_SERIAL_UNCHANGED)
    return state


def _check_order(order: Order, note: notes.Note | None) -> None:
    held = None if note is None else note.holds.get(order.site)
    if held is not None and held.is_after(_hold(order)):
        raise EndedError(_STALE)


def _hold(order: Order) -> notes.Hold:
    return notes.Hold(order=order.id, kind=order.kind, ordered_at=order.ordered_at, seq=order.seq)


def _end_if_own(outcome: Outcome, *, is_own: bool) -> None:
    """End the attempt if this is the site's own name; otherwise do nothing."""
    if is_own:
        raise EndedError(outcome)
