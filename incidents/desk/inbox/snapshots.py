"""The desk's own action on snapshots: put on record what was found at addresses of a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.record.report_events import ReportSnapshot
from incidents.store.inbox import snapshots
from incidents.store.inbox.snapshots import Snapshot

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What was found at an address.

    `url`: as the report has it; `final`: the last one that was asked, or to which a redirect leads
    that was not followed. `problem`: why there is no page, as a code; `unread`: why there is no
    text. `digest`: the SHA-256 (hexadecimal) of the `size` bytes of the page, or of the first ones
    if it was `cut`. `screenshot`: that of the picture of the page; `no_screenshot`: why there is
    none, as a code.
    """

    url: str
    final: str
    status: int | None = None
    problem: str | None = None
    size: int | None = None
    digest: str | None = None
    cut: bool = False
    kind: str | None = None
    title: str = ""
    text: str = ""
    unread: str | None = None
    screenshot: str | None = None
    no_screenshot: str | None = None

    @property
    def words(self) -> str:
        """What is sealed of it, as JSON."""
        names = ("url", "final", "kind", "title", "text", "unread")
        found = {name: getattr(self, name) for name in names}
        return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def record(
    connection: Connection, report: int, taken: Sequence[Taken], *, by: str, login: str | None,
    clock: Clock,
) -> None:  # fmt: skip
    """Record what was found at the addresses of the report, each in an entry."""
    place = own_stream.place(connection, clock)
    events = [
        own_stream.Recorded(
            ReportSnapshot, each.words,
            {
                "report": report, "status": each.status, "problem": each.problem,
                "digest": each.digest, "size": each.size, "cut": each.cut,
                "screenshot": each.screenshot, "no_screenshot": each.no_screenshot,
            },
        )
        for each in taken
    ]  # fmt: skip
    own_stream.record_all(connection, place, events, by, login)
    first = snapshots.last_n(connection, report) + 1
    rows = [
        Snapshot(
            report, n, place.now, by, each.status, each.problem, each.size, each.digest, each.cut,
            event.text[0], each.screenshot, each.no_screenshot,
        )
        for n, (each, event) in enumerate(zip(taken, events, strict=True), start=first)
    ]  # fmt: skip
    snapshots.add(connection, rows)
