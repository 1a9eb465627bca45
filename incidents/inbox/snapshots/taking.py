"""The taking of snapshots: which addresses of a report are looked at, and what is kept of each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.children import preview
from incidents.inbox.snapshots import fetching, screenshot
from incidents.inbox.snapshots.fetching import MAX_BYTES, WITHIN_S, Page
from incidents.inbox.snapshots.screenshot import Screenshots
from incidents.outbound.guard import Guard
from incidents.record import streams
from incidents.store.inbox import reporters, reports
from incidents.views.inbox.candidates import names_above

if TYPE_CHECKING:
    from incidents.contract.documents.reports import ReportInFull

MOST = 3
"""The maximum number of addresses of a report that are looked at."""


def addresses(report: ReportInFull) -> list[str]:
    """The first addresses of the report whose host is one of its candidate sites, or below one.

    There are none if the report may show child abuse: such a page is not fetched.
    """
    if report["sealed"]:
        return []
    found = dict.fromkeys(url for url in report["urls"] if _is_here(report, url))
    return list(found)[:MOST]


def is_for_duty(report: ReportInFull) -> bool:
    """Whether a daemon may look at the report's addresses without being asked."""
    is_over = report["state"] in (reports.UNREADABLE, *reports.LED_NOWHERE)
    return not is_over and report["standing"] != reporters.BLOCKED and bool(addresses(report))


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """The taking of snapshots; `folder`: of the evidence, where the pages are kept.

    `screenshots`: what takes pictures of the pages now; None if nothing does.
    """

    folder: Path
    guard: Guard = field(default_factory=lambda: Guard(plain_http=True))
    within_s: float = WITHIN_S
    screenshots: Callable[[], Screenshots | None] = lambda: None

    def take(self, report: ReportInFull) -> list[Taken]:
        """Look at the addresses of the report, all at once, and keep what is found there.

        Raises:
            NoSnapshotLibraryError: without the libraries for requests.
            FileError: if a page cannot be kept.
            The errors of `screenshots`.
        """
        urls = addresses(report)
        sites = frozenset(report["candidates"])
        if not urls:
            return []
        screenshots = self.screenshots()
        with ThreadPoolExecutor(MOST) as threads:
            return list(threads.map(partial(self._one, sites, screenshots), urls))

    def _one(self, sites: Collection[str], screenshots: Screenshots | None, url: str) -> Taken:
        page = fetching.fetch(url, self.guard, partial(_is_of, sites), within_s=self.within_s)
        if not page.body:
            size = None if page.body is None else 0
            return Taken(
                url=url, final=page.final, status=page.status, problem=page.problem, size=size,
                kind=_short(page.kind),
            )  # fmt: skip
        kept = streams.keep(BytesIO(page.body), self.folder, limit=MAX_BYTES, first=0)
        text = preview.read_page(page.body, page.kind or "")
        taken = Taken(
            url=url, final=page.final, status=page.status, problem=page.problem, size=kept.size,
            digest=kept.digest, cut=page.cut, kind=_short(page.kind), title=text.title,
            text=text.text, unread=text.reason,
        )  # fmt: skip
        return taken if screenshots is None else self._pictured(taken, screenshots, page)

    def _pictured(self, taken: Taken, screenshots: Screenshots, page: Page) -> Taken:
        made = screenshots.take(page, self.guard)
        if made.png is None:
            return replace(taken, no_screenshot=made.reason)
        limit = screenshot.MAX_BYTES
        kept = streams.keep(BytesIO(made.png), self.folder, limit=limit, first=0)
        return replace(taken, screenshot=kept.digest)


def _is_here(report: ReportInFull, url: str) -> bool:
    host = fetching.host_of(url)
    return host is not None and _is_of(report["candidates"], host)


def _is_of(sites: Collection[str] | Sequence[str], host: str) -> bool:
    return not set(names_above(host)).isdisjoint(sites)


def _short(kind: str | None) -> str | None:
    return None if kind is None else kind[:100]
