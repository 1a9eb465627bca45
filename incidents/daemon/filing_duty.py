"""The filing duty: remind the desk of deadlines, and recheck the pages of approved sites.

The duty never suspends a site. Any number of daemons may have this duty; no daemon repeats
another's work.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta

from incidents import views
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Part
from incidents.desk import Envelope
from incidents.filing import settings as filing_settings
from incidents.machine.commands import RecordFooter, Remind
from incidents.store.cases import filings
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading, writing

_NOT_REMINDED = "filing reminders are not sent"
_NOT_CHECKED = "footers of approved sites are not checked"

TICK_S = 10.0
"""The interval of the duty's rounds.

Each round checks at most one page, to limit the load on the sites.
"""

BATCH = 500
"""The maximum number of sites in one transaction of reminders."""

RETRY_AFTER = timedelta(hours=6)
"""The longest wait before an unreadable page is tried again."""

MAX_SKIPPED = 100
"""The maximum number of sites whose page needs no check that one round skips."""

ONCE_PAGES, ONCE_S = 20, 20.0
"""The limits of `daemon --once`: the number of pages, and the time in seconds."""

CheckPage = Callable[[str, dict[str, str], filing_settings.FilingSettings], tuple[str, ...] | None]
"""A function that checks the footer of a site's page against the site's filing.

The result is the codes of the faults, or None if the page could not be read.
"""


class Filings:
    """The filing duty of one daemon, run by one thread; `stopped` is called between two sites."""

    def __init__(
        self,
        app: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        check_page: CheckPage | None = None,
        say: Callable[..., None] = journal.info,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._app, self._engine = app, app.bare_engine
        self._stopped = stopped
        self._check_page = check_page or _check_footer
        self._say = say
        self._jitter = jitter
        self._enrolled = 0
        self._reminding = Part(_NOT_REMINDED, monotonic)
        self._checking = Part(_NOT_CHECKED, monotonic)

    def run(self) -> None:
        """Do one round of the duty; a failure does not prevent the next round."""
        if not self._stopped():
            self._reminding.attempt(self.remind)
        if not self._stopped():
            self._checking.attempt(self.check_one_page)

    def remind(self) -> int:
        """Send all reminders of deadlines that are due today; return the number of sites.

        Raises:
            DatabaseError: if the database fails.
            SettingError, UnknownSettingError, SettingsFileError: if a setting is wrong.
        """
        if not filing_settings.load().remind:
            return 0
        schema.check(self._engine)
        count = 0
        while not self._stopped():
            with plainly(self._engine), reading(self._engine) as connection:
                now = self._app.now(connection)
                today = now.astimezone(self._app.settings.zone).date().isoformat()
                sites = filings.to_remind(connection, today, BATCH)
            if not sites:
                break
            answers = self._app.desk.submit(
                [Envelope(site=site, command=Remind(on=today)) for site in sites]
            )
            # Another daemon may have sent some of them meanwhile.
            reminded = sum(bool(answer.events) for answer in answers)
            count += reminded
            if not reminded:
                break
        if count:
            self._say("filing reminders sent", count=count)
        return count

    def check_one_page(self) -> bool:
        """Check the page that has waited longest; return whether a page was due.

        Sites that are down or not approved are skipped.

        Raises the same errors as `remind`, and NoFilingLibraryError or NoFetchingLibraryError.
        """
        settings = filing_settings.load()
        if settings.recheck_within is None:
            return False
        schema.check(self._engine)
        for _ in range(MAX_SKIPPED):
            due = self._next()
            if due is None or self._stopped():
                return False
            details = self._claim(due, settings.recheck_within)
            if details is not None:
                return self._record(due, details, settings)
        return False

    def _next(self) -> filings.Due | None:
        with plainly(self._engine), reading(self._engine) as connection:
            new, self._enrolled = filings.not_enrolled(connection, self._enrolled)
        if new:
            with plainly(self._engine), writing(self._engine) as connection:
                filings.enrol(connection, new)
        with plainly(self._engine), reading(self._engine) as connection:
            return filings.due(connection, self._app.now(connection))

    def _claim(self, due: filings.Due, within: timedelta) -> dict[str, str] | None:
        """Claim the page of a site, and return the site's filing.

        None if the page needs no check, or if another daemon has claimed it. If this daemon dies,
        the page is soon checked again.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._app.now(connection)
            details: dict[str, str] = views.filing_details(connection, due.site)
            shows = due.state == "active" and {filings.NUMBER, filings.APPROVED} <= details.keys()
            wait = min(within, RETRY_AFTER)
            return details if filings.claim(connection, due, now + wait) and shows else None

    def _record(
        self, due: filings.Due, details: dict[str, str], settings: filing_settings.FilingSettings
    ) -> bool:
        assert settings.recheck_within is not None
        problems = self._check_page(due.site, details, settings)
        with self._app.reading() as connection:
            still = views.filing_details(connection, due.site)
        if problems is None or still != details:
            # The page could not be read, or the filing has changed.
            return True
        # Spread out, so that sites added on one day are not always checked on one day.
        wait = settings.recheck_within * (1 - self._jitter() / 5)
        with plainly(self._engine), writing(self._engine) as connection:
            filings.postpone(connection, due.site_id, self._app.now(connection) + wait)
        command = RecordFooter(problems=problems)
        [answer] = self._app.desk.submit([Envelope(site=due.site_id, command=command)])
        if answer.events:
            self._say("a footer has changed", count=len(problems))
        return True


def once(app: App) -> Filings:
    """Send the due reminders, and check a few pages (`daemon --once`).

    Raises the same errors as `Filings.remind`.
    """
    duty = Filings(app, say=lambda *_, **__: None)
    duty.remind()
    until = time.monotonic() + ONCE_S
    for _ in range(ONCE_PAGES):
        if time.monotonic() > until or not duty.check_one_page():
            break
    return duty


def _check_footer(
    site: str, details: dict[str, str], settings: filing_settings.FilingSettings
) -> tuple[str, ...] | None:
    # Loaded only by a desk that has approved sites.
    from incidents.filing.finding import WRONG
    from incidents.filing.footer import check, page

    guard = settings.guard()
    try:
        home = details.get("home_url", "")
        read = page.fetch(home, guard) if home else page.fetch_home(site, guard)
    except page.UnreadPageError:
        return None
    expected = check.Expected.of(details, icp_form=settings.icp_form)
    found = check.check_footer(read.footer(), expected)
    if any(each.field == check.PAGE for each in found):
        # The page was cut, or only scripts fill it: its gaps are unknown.
        return None
    return tuple(sorted({each.code for each in found if each.verdict == WRONG}))
