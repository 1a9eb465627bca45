"""The names of a site as they stand in PowerDNS: their zone, its contents, and the notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from incidents.enforcement.powerdns import note as notes
from incidents.enforcement.powerdns.api import Dialogue, Zone
from incidents.enforcement.powerdns.note import Note
from incidents.enforcement.powerdns.records import OfName, RecordSet, leading
from incidents.errors import BadSiteNameError
from incidents.values import site_name

Contents = dict[str, dict[str, RecordSet]]
Metadata = dict[str, list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a name stands. `metadata` is the zone's, and `raises_serial` says that its serial number
    grows with a change. The name `is_delegated` away, or below a DNAME;
    it `is_covered` by a wildcard, which leads there as long as it has nothing of its own.
    """

    zone: Zone
    name: str
    found: OfName
    note: Note | None
    metadata: Metadata
    raises_serial: bool
    is_delegated: bool
    is_covered: bool


class Names:
    """What one attempt sees. A zone is read once, its records before its metadata.

    The order matters. Two attempts at the same order may run at once, and the other's note is
    written before its records: who finds no note has read the records before they were changed.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._zones: dict[str, tuple[Contents, Metadata, bool]] = {}

    def standing(self, name: str) -> Standing | None:
        """How the name stands, disabled records and all; None if it lies in no zone here."""
        zone = self._dialogue.zone_of(name)
        if zone is None:
            return None
        if zone.id not in self._zones:
            sets, raises_serial = self._dialogue.contents(zone)
            metadata = self._dialogue.metadata(zone)
            self._zones[zone.id] = _by_name(sets), metadata, raises_serial
        contents, metadata, raises_serial = self._zones[zone.id]
        return Standing(
            zone=zone,
            name=name,
            found=contents.get(name, {}),
            note=notes.read(name, metadata),
            metadata=metadata,
            raises_serial=raises_serial,
            is_delegated=_is_delegated(zone, name, contents),
            is_covered=any(leading(contents.get(each, {})) for each in _wildcards(zone, name)),
        )

    def is_up(self, name: str, put: notes.Put) -> tuple[bool | None, Note | None]:
        """Whether anything but a notice leads to the name, None if nothing does; and its note."""
        zone = self._dialogue.zone_of(name)
        if zone is None:
            return None, None
        found = self._dialogue.record_sets_of(zone, name)
        note = notes.read(name, self._dialogue.metadata(zone))
        if leading(found):
            known = (note or notes.new(name)).knowing(put)
            return not known.is_in_force(found), note
        for each in _wildcards(zone, name):
            if leading(self._dialogue.record_sets_of(zone, each)):
                return True, note
        return None, note


def of_site(site: str, *, www: bool) -> list[str]:
    """The names of a site, with the dot at their end; none if it is no name, but an address say."""
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
    """Names below an NS record are answered by others (RFC 1034, 4.2.1), below a DNAME by nobody
    here (RFC 6672)."""
    above = list(_above(zone, name))
    cuts = (each for each in (name, *above) if each != zone.name)
    return any("NS" in contents.get(each, {}) for each in cuts) or any(
        "DNAME" in contents.get(each, {}) for each in above
    )


def _wildcards(zone: Zone, name: str) -> Iterator[str]:
    return (f"*.{each}" for each in _above(zone, name))


def _above(zone: Zone, name: str) -> Iterator[str]:
    """The names above it, up to the zone's own."""
    while name != zone.name:
        name = name.partition(".")[2]
        yield name
