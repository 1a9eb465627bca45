"""The adapter `powerdns`: redirects a site's name to a notice page, through PowerDNS' HTTP API.

A suspension and a closure replace the records that lead to the site (`records.TAKEN`) with the
addresses of the provider's notice page; a reopening restores them. The former records are kept in
PowerDNS itself (see `note`, also on how changes by others are treated).

The names are the site's name and, if configured, the same name with `www.`. A name that only a
wildcard covers (RFC 4592) gets records of its own while the site is down. An order fails, and needs
a person, if changing records would have no effect: no zone of the name is here, the zone is copied
from another server, or the name is delegated.

A repeated order does no harm. Of two orders for one site, the one with the later time counts; a
stale order is skipped. All changes in a zone are made at once, or not at all.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from zlib import crc32

from incidents.enforcement.port import Adapter, Delivered, Failed, Order, Outcome, Skipped, State
from incidents.enforcement.powerdns import note as notes
from incidents.enforcement.powerdns.plan import (
    LOST,
    Names,
    Step,
    names_of_site,
    plan,
)
from incidents.enforcement.powerdns.server import LATE, EndedError, Session
from incidents.enforcement.powerdns.settings import PowerDnsSettings, read_settings
from incidents.settings.options import Options

_STRIPES = 64

_NO_NAME = Failed(problem="no_name", detail="the site is an IP address, or no name of the DNS")
_UNREADABLE = Failed(
    problem="note_unreadable",
    detail="the note in the zone's metadata (X-INCIDENTS-…) cannot be read",
)
_CONFLICT = Failed(
    problem="records_conflict",
    detail="the name had a CNAME, and records were added that cannot stand beside it: remove them,"
    " or set the name's records by hand and delete the note in the zone's metadata",
)


class PowerDns:
    """The adapter for one PowerDNS server."""

    def __init__(self, name: str, settings: PowerDnsSettings) -> None:
        self.name = name
        self._settings = settings
        self._locks = [threading.Lock() for _ in range(_STRIPES)]

    def deliver(self, order: Order) -> Outcome:
        """Take the site's names down, or restore them."""
        if order.kind not in ("suspend", "close", "reopen"):
            return Skipped(why="not_of_a_name")
        until = monotonic() + self._settings.limit_s
        session = Session(self._settings.server, until)
        try:
            with self._locked(order.site, until):
                try:
                    steps = self._plan(order, Names(session))
                except EndedError as ended:
                    if ended.outcome != LOST:
                        raise
                    # Another attempt at this order may have restored the records since they were
                    # read, and removed the note.
                    steps = self._plan(order, Names(session))
                _carry_out(session, steps)
        except EndedError as error:
            return error.outcome
        except notes.UnreadableNoteError:
            return _UNREADABLE
        except notes.ConflictError:
            return _CONFLICT
        return Delivered()

    def state(self, site: str) -> State | None:
        """`active` if one of the names leads elsewhere than to the notice page, whoever changed it.

        Otherwise `closed` or `suspended`, according to the order that holds the name down; None if
        the name has no records, or if PowerDNS does not answer.
        """
        until = monotonic() + self._settings.limit_s
        names = Names(Session(self._settings.server, until))
        put = self._settings.notice.put
        own_names = names_of_site(site, www=self._settings.www)
        try:
            results = [names.is_up(name, put) for name in own_names]
        except (EndedError, notes.UnreadableNoteError):
            return None
        ups = [up for up, _ in results]
        if True in ups:
            return "active"
        if not ups or ups[0] is None:
            return None
        note = results[0][1] or notes.new(own_names[0])
        hold = note.holds.get(site)
        return "closed" if hold is not None and hold.kind == "close" else "suspended"

    def close(self) -> None:
        """Close the idle connections."""
        self._settings.server.sender.close()

    def _plan(self, order: Order, names: Names) -> list[Step]:
        # Names taken down together are restored together, even if the settings have changed.
        own_names = names_of_site(order.site, www=self._settings.www or order.kind == "reopen")
        if not own_names:
            raise EndedError(_NO_NAME)
        return plan(order, [names.state_of(name) for name in own_names], self._settings.notice)

    @contextmanager
    def _locked(self, site: str, until: float) -> Iterator[None]:
        """A lock for a site's name with and without `www.`, which two sites can share."""
        while site.startswith("www."):
            site = site.removeprefix("www.")
        lock = self._locks[crc32(site.encode()) % _STRIPES]
        if not lock.acquire(timeout=max(0.0, until - monotonic())):
            raise EndedError(LATE)
        try:
            yield
        finally:
            lock.release()


def make(name: str, options: Options) -> Adapter:
    """The adapter of type `powerdns`, with the given name.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
        ModuleNotFoundError: if h11 is not installed.
    """
    return PowerDns(name, read_settings(options))


def _carry_out(session: Session, steps: list[Step]) -> None:
    """Write the notes, then make all changes in each zone at once, then remove old notes."""
    for step in steps:
        if step.note is not None:
            session.put_metadata(step.zone, notes.new_kind(step.name), step.note.text())
    for zone in dict.fromkeys(step.zone for step in steps):
        together = [change for step in steps if step.zone == zone for change in step.changes]
        if together:
            session.change(zone, together)
    for step in steps:
        for kind in step.forget:
            session.delete_metadata(step.zone, kind)
