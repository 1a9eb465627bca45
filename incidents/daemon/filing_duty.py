"""The duty of filings: remind the desk of terms, and check the pages of approved sites again.

Neither suspends anybody. Any number of daemons may do it: what one has done is no news to another.
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
_NOT_LOOKED = "footers of approved sites are not checked"

TICK_S = 10.0
"""How often it is to be run: one page at most each time, so that nobody is bothered."""

AT_ONCE = 500
"""So many sites are reminded of in one transaction."""

AGAIN_AFTER = timedelta(hours=6)
"""After this a page that could not be read is tried again, if not earlier."""

PASSED_OVER = 100
"""So many sites without a page to be looked at are passed over in a round."""

ONCE_PAGES, ONCE_S = 20, 20.0
"""So many pages, and so long, `daemon --once` looks at."""

Look = Callable[[str, dict[str, str], filing_settings.FilingSettings], tuple[str, ...] | None]
"""Looks at the foot of a site's page, by the details of its filing: the codes of what is wrong,
none if all is right; None, if there was no page to be looked at."""


class Filings:
    """The duty of one daemon; one thread does it. `stopped` is asked between two sites."""

    def __init__(
        self,
        house: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        look: Look | None = None,
        say: Callable[..., None] = journal.say,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._house, self._engine = house, house.bare_engine
        self._stopped = stopped
        self._look = look or _looked_at
        self._say = say
        self._chance = chance
        self._enrolled = 0
        self._reminding = Part(_NOT_REMINDED, monotonic)
        self._looking = Part(_NOT_LOOKED, monotonic)

    def run(self) -> None:
        """One round; whatever comes of it, the next one will be tried."""
        if not self._stopped():
            self._reminding.do(self.remind)
        if not self._stopped():
            self._looking.do(self.look_at_one)

    def remind(self) -> int:
        """Remind of all terms of which a reminder is due today; of how many sites that was.

        Raises:
            DatabaseError: when the database does not do its part.
            SettingError, UnknownSettingError, SettingsFileError: of what the settings say.
        """
        if not filing_settings.load().remind:
            return 0
        schema.check(self._engine)
        count = 0
        while not self._stopped():
            with plainly(self._engine), reading(self._engine) as connection:
                now = self._house.now(connection)
                today = now.astimezone(self._house.settings.zone).date().isoformat()
                sites = filings.to_remind(connection, today, AT_ONCE)
            if not sites:
                break
            answers = self._house.desk.submit(
                [Envelope(site=site, command=Remind(on=today)) for site in sites]
            )
            # Another daemon may have reminded of some of them meanwhile.
            reminded = sum(bool(answer.events) for answer in answers)
            count += reminded
            if not reminded:
                break
        if count:
            self._say("filing reminders sent", count=count)
        return count

    def look_at_one(self) -> bool:
        """Look at the page that has waited longest, if one is due; whether there was one.

        One that is down, or not approved, shows nothing: it is passed over.

        Raises as `remind` does, and NoFilingLibraryError or NoFetchingLibraryError.
        """
        settings = filing_settings.load()
        if settings.recheck_within is None:
            return False
        schema.check(self._engine)
        for _ in range(PASSED_OVER):
            due = self._next()
            if due is None or self._stopped():
                return False
            details = self._claimed(due, settings.recheck_within)
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
            return filings.due(connection, self._house.now(connection))

    def _claimed(self, due: filings.Due, within: timedelta) -> dict[str, str] | None:
        """The details of the site's filing; None if there is no page of it to be looked at, or
        another daemon looks. Whoever dies while looking leaves it to be looked at again soon."""
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._house.now(connection)
            details: dict[str, str] = views.filing_details(connection, due.site)
            shows = due.state == "active" and {filings.NUMBER, filings.APPROVED} <= details.keys()
            wait = min(within, AGAIN_AFTER)
            return details if filings.claim(connection, due, now + wait) and shows else None

    def _record(
        self, due: filings.Due, details: dict[str, str], settings: filing_settings.FilingSettings
    ) -> bool:
        assert settings.recheck_within is not None
        problems = self._look(due.site, details, settings)
        with self._house.reading() as connection:
            still = views.filing_details(connection, due.site)
        if problems is None or still != details:
            # Nobody could look, or what it was held against is not filed any more.
            return True
        # Spread, so that what was taken in on one day is not looked at on one day for ever.
        wait = settings.recheck_within * (1 - self._chance() / 5)
        with plainly(self._engine), writing(self._engine) as connection:
            filings.postpone(connection, due.site_id, self._house.now(connection) + wait)
        command = RecordFooter(problems=problems)
        [answer] = self._house.desk.submit([Envelope(site=due.site_id, command=command)])
        if answer.events:
            self._say("a footer has changed", count=len(problems))
        return True


def once(house: App) -> Filings:
    """Remind of all that is due, and look at some pages: `daemon --once`.

    Raises as `Filings.remind` does.
    """
    duty = Filings(house, say=lambda *_, **__: None)
    duty.remind()
    until = time.monotonic() + ONCE_S
    for _ in range(ONCE_PAGES):
        if time.monotonic() > until or not duty.look_at_one():
            break
    return duty


def _looked_at(
    site: str, details: dict[str, str], settings: filing_settings.FilingSettings
) -> tuple[str, ...] | None:
    # With what it stands on, for a desk that has approved sites.
    from incidents.filing.finding import WRONG
    from incidents.filing.footer import check, page

    guard = settings.guard()
    try:
        home = details.get("home_url", "")
        read = page.fetch(home, guard) if home else page.of_site(site, guard)
    except page.UnreadPageError:
        return None
    expected = check.Expected.of(details, icp_form=settings.icp_form)
    found = check.check_foot(read.foot(), expected)
    if any(each.field == check.PAGE for each in found):
        # Cut off, or filled by scripts alone: nobody can tell what it lacks.
        return None
    return tuple(sorted({each.code for each in found if each.verdict == WRONG}))
