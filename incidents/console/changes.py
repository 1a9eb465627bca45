"""The changes: one query every quarter of a second informs all consoles of a server.

Every change (by a command line, a daemon, another server) adds an entry. The query compares the
latest entries, not only the newest: if two transactions run at the same time, the one with the
lower number might commit later. What only time changes, such as an alarm, has no entry: it is
looked at more rarely, and once for all.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from hashlib import sha256

from fastapi import APIRouter
from sqlalchemy import Connection, select
from starlette.responses import Response, StreamingResponse

from incidents.accounts.authenticator import Authenticator
from incidents.app import App
from incidents.console import rendering
from incidents.console.presence import Presence
from incidents.console.request_context import Viewer
from incidents.log import logger
from incidents.store.database.replica import ReplicaReadError
from incidents.store.schema.desk_tables import entries

router = APIRouter()

POLL_S = 0.25
POLL_LOST_S = 2.0
AGES_S = 15.0
"""How often the server looks at what only time changes, in seconds."""

_WINDOW = 256
HEARTBEAT_S = 5.0
"""The interval of `beat` events in an idle stream, in seconds. A page that misses a beat considers
the stream broken."""

SESSION_CHECK_S = 20.0
"""How often the session of each listener is checked again, in seconds."""

MAX_STREAMS_OF_ACCOUNT = 20
"""The maximum number of streams of one account, because all streams share the server's
connections."""

_log = logger("console")

Seen = dict[int, int]
"""The newest entries: each entry's id, with the id of its site."""


class Changes:
    """The watch on one database for all listening streams; it polls only while there are any.

    `ages`: gives a value that is new when time has changed something. `for_pages`: look for the
    version of a page, too, if no stream listens here.
    """

    def __init__(
        self,
        look: Callable[[], Seen],
        ages: Callable[[], object] = lambda: None,
        *,
        for_pages: bool = True,
    ) -> None:
        self._look, self._ages, self._for_pages = look, ages, for_pages
        self._aged: tuple[float, object] = (0.0, None)
        self.presence = Presence()
        self._looking: Mapping[str, frozenset[str]] = {}
        self._listening: dict[asyncio.Queue[str | None], str] = {}
        self._task: asyncio.Task[None] | None = None
        self._seen: Seen | None = None
        self.version: str | None = None
        """A value that is new after each change. Processes that have seen the same have the same,
        since a page and its stream can come from different ones. None while no stream listens."""

    def position(self) -> str:
        """Return the version of a page whose reading begins now; a listener gets later changes."""
        if self.version is None and self._for_pages:
            return _version(self._look())
        return self.version or _version(self._seen or {})

    def count_streams(self, handle: str) -> int:
        """Count the account's open streams."""
        return sum(each == handle for each in self._listening.values())

    async def listen(self, still: Callable[[], bool], handle: str = "") -> AsyncIterator[str]:
        """Yield the events for one console, as long as it is `still` signed in."""
        mailbox: asyncio.Queue[str | None] = asyncio.Queue(maxsize=100)
        self._listening[mailbox] = handle
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield "retry: 1000\n\n"
            # Changes before the first query would not be reported.
            if self.version is not None:
                yield _event("hello", {"version": self.version})
            clock = asyncio.get_running_loop().time
            look = clock() + SESSION_CHECK_S
            while True:
                told: str | None = _event("beat", {})
                with suppress(TimeoutError):
                    told = await asyncio.wait_for(mailbox.get(), HEARTBEAT_S)
                if clock() >= look:
                    # However much there is to tell: a desk that is busy is never quiet so long.
                    if not await asyncio.to_thread(still):
                        yield "event: signed-out\ndata: {}\n\n"
                        return
                    look = clock() + SESSION_CHECK_S
                if told is None:
                    return
                yield told
        finally:
            self._listening.pop(mailbox, None)

    def stop(self) -> None:
        """End all streams."""
        for mailbox in self._listening:
            _put(mailbox, None)

    async def _watch(self) -> None:
        try:
            await self._poll()
        finally:
            self.version = None

    async def _poll(self) -> None:
        lost = False
        while self._listening:
            try:
                seen = await asyncio.to_thread(self._look)
                has_aged = await self._has_aged()
            except Exception as error:  # noqa: BLE001 - or all consoles would stay still, and not know
                if not lost:
                    _log.error("changes cannot be seen", error=error)
                lost, self.version = True, None
                self._broadcast("lost", {})
                await asyncio.sleep(POLL_LOST_S)
                continue
            told = changed(self._seen, seen)
            first, lost, self._seen = self.version is None, False, seen
            if told is not None or first:
                self.version = _version(seen)
            if first:
                self._broadcast("hello", {"version": self.version})
            elif told is not None:
                self._broadcast("changed", {**told, "version": self.version})
            self._look_who_looks()
            if has_aged:
                self._broadcast("aged", {})
            await asyncio.sleep(POLL_S)

    def _look_who_looks(self) -> None:
        before, self._looking = self._looking, self.presence.now()
        items = before.keys() | self._looking.keys()
        changed = sorted(item for item in items if before.get(item) != self._looking.get(item))
        if changed:
            self._broadcast("looking", {"items": changed})

    async def _has_aged(self) -> bool:
        """Whether time has changed something since the last look at it, a while ago."""
        now = asyncio.get_running_loop().time()
        looked, before = self._aged
        if now - looked < AGES_S:
            return False
        aged = await asyncio.to_thread(self._ages)
        self._aged = (now, aged)
        return looked > 0 and aged != before

    def _broadcast(self, event: str, data: dict[str, object]) -> None:
        told = _event(event, data)
        for mailbox in self._listening:
            _put(mailbox, told)


def version_of(connection: Connection) -> str:
    """The version of the state that this transaction reads."""
    return _version(_newest(connection))


def _version(seen: Seen) -> str:
    return sha256(json.dumps(sorted(seen)).encode()).hexdigest()[:16]


def _event(name: str, data: dict[str, object]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _put(mailbox: asyncio.Queue[str | None], told: str | None) -> None:
    if mailbox.full():
        # It does not read: a listener that wakes up checks everything anyway.
        mailbox.get_nowait()
    mailbox.put_nowait(told)


def changed(before: Seen | None, now: Seen) -> dict[str, object] | None:
    """Return the sites that have new entries; None if no site has any.

    `more`: further sites may have new entries too.
    """
    new = set() if before is None else now.keys() - before.keys()
    if not new:
        return None
    return {"sites": sorted({now[id_] for id_ in new}), "more": len(new) >= _WINDOW}


def look(app: App) -> Seen:
    """Read the newest entries."""
    try:
        return _view(app)
    except ReplicaReadError:
        # The primary is read now.
        return _view(app)


def _view(app: App) -> Seen:
    # As the pages: a page that is fetched after a change shows it.
    with app.viewing(latest=False) as connection:
        return _newest(connection)


def _newest(connection: Connection) -> Seen:
    newest = select(entries.c.id, entries.c.site_id).order_by(entries.c.id.desc()).limit(_WINDOW)
    return {row.id: row.site_id for row in connection.execute(newest)}


@router.get("/changes")
async def changes(here: Viewer) -> Response:
    """Send server-sent events.

    `hello` with the version, `changed` with the sites and the version, `looking` with the items,
    `aged`, `beat`, `lost` and `signed-out`.
    """
    watched: Changes = here.request.app.state.changes
    if watched.count_streams(here.by) >= MAX_STREAMS_OF_ACCOUNT:
        return Response(status_code=429, headers=rendering.HEADERS)
    return StreamingResponse(
        watched.listen(lambda: is_signed_in(here.authenticator, here.visit.cookie), here.by),
        media_type="text/event-stream",
        headers={**rendering.HEADERS, "X-Accel-Buffering": "no"},
    )


def is_signed_in(authenticator: Authenticator, cookie: str) -> bool:
    """Whether the session is still valid; the check does not count as use of the session."""
    return authenticator.by_session(cookie, used=False) is not None
