"""The list of the queue: open work, most urgent first, one row an item.

It is rendered once for all readers with the same role and language, until something changes.
Therefore two hundred consoles need only one query of the database after a change. It holds nothing
of the reader's own: the acts are in the pane (`queue_item`).
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from incidents import clock, views
from incidents.app import App
from incidents.clock import rfc3339
from incidents.console import changes, rendering
from incidents.console.changes import Changes
from incidents.console.pages import filing_view
from incidents.console.pages.queue.queue_view import QueueView
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext
from incidents.contract.documents.queue import QueueItem, QueuePage
from incidents.contract.queue_order import is_finding, with_reports
from incidents.machine.filing import TERMS
from incidents.settings import police, sources
from incidents.store import entries
from incidents.store.cases import sites
from incidents.values.ids import read_incident_id
from incidents.views.queue.queue_warning import warnings_of

PAGE = 50
_KEPT_S = 5.0
_MOST_KEPT = 64
_NOW = "--the time of this answer--"
"""A placeholder in the shared list, for the time of each answer."""


@dataclass(frozen=True, slots=True)
class WrittenList:
    """A list as rendered at `now` by the desk's clock, and at `at` by this machine's."""

    text: str
    version: str
    first: str | None
    now: datetime
    at: datetime

    def content(self) -> tuple[str, str]:
        """The list for an answer of this moment, and that moment as RFC 3339."""
        passed = max(int((clock.now() - self.at).total_seconds()), 0)
        now = rfc3339(self.now + timedelta(seconds=passed))
        return self.text.replace(_NOW, now), now


class ListCache:
    """The lists as last rendered; each is kept until something changes, at most a few seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[Any, ...], WrittenList] = {}

    def of(self, here: RequestContext, view: QueueView, watched: Changes) -> WrittenList:
        """Return the list for a person with this role and language.

        `watched`: the changes of the desk whose list it is; one process may serve several desks.
        """
        key = (watched, here.identity.role, here.reader.language, view)
        version, now = watched.version, clock.now()
        if version is None:
            return rendered(here, view)
        with self._lock:
            kept = self._kept.get(key)
            fresh = kept and kept.version == version
            if kept and fresh and 0 <= (now - kept.at).total_seconds() < _KEPT_S:
                return kept
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            written = rendered(here, view)
            self._kept[key] = written
            return written


LISTS = ListCache()


def rendered(who: RequestContext, view: QueueView) -> WrittenList:
    """Render the current list."""
    owed = police.read(sources.section(police.SECTION))
    with who.timed() as (connection, here):
        version = changes.version_of(connection)
        found: QueuePage = views.queue(
            connection, here.reader.now, mine=view.mine, wanted=view.wanted(here.reader),
            after=view.after, limit=PAGE, report=owed, triage_within=who.app.triage_within,
            when=here.reader.when,
        )  # fmt: skip
        newest = entries.last_id(connection)
        police_site = _police_site(connection, found)
    items = [
        each if is_finding(each) else _item(each, here.reader)
        for each in with_reports(found["items"], found.get("reports"))
    ]
    text = rendering.render(
        "queue/queue_list", here.reader, found=found, items=items, newest=newest, view=view,
        version=version, written_at=_NOW, warnings=warnings_of(found, here.reader.now),
        police_site=police_site,
    )  # fmt: skip
    first = items[0]["id"] if items else None
    return WrittenList(text, version, first, here.reader.now, clock.now())


def _item(item: QueueItem, reader: Reader) -> dict[str, Any]:
    span = item["suspends_s"]
    suspends_for = None if span is None else timedelta(seconds=span)
    return {
        **item, "suspends_for": suspends_for, "days": days(item, reader),
        "warning": warning(item, reader),
    }  # fmt: skip


def _police_site(connection: Connection, found: QueuePage) -> str | None:
    """The site of the incident that is the first to be reported to the police."""
    named = found["report"] and found["report"]["first_incident"]
    first = read_incident_id(named or "")
    return None if first is None else sites.name_of(connection, first[0])


def warning(item: QueueItem, reader: Reader) -> str | None:
    """The item's warning as a sentence; None without one."""
    return item["warning"] and reader.sentence(item["warning"], [item["site"]])


def days(item: QueueItem, reader: Reader) -> int | None:
    """The days left of a filing's term; None for an item without a term."""
    if item["kind"] not in TERMS:
        return None
    return filing_view.days_left(reader, item["filing"][0])


def ages(app: App) -> object:
    """What only time changes in the list: its alarms, and how many items are overdue."""
    owed = police.read(sources.section(police.SECTION))
    with app.viewing(latest=False) as connection:
        now = app.now(connection)
        found = views.queue(connection, now, limit=1, report=owed, triage_within=app.triage_within)
    reports = found.get("reports")
    waiting = [(each["id"], each["overdue"]) for each in (reports["items"] if reports else [])]
    return [
        *((each.kind, repr(each.facts)) for each in warnings_of(found, now)),
        *waiting,
    ]
