"""The duty of alarms: look for what the desk must know, and report each cause once.

Any number of daemons may look. What one has raised the others leave alone, and one at a time has an
alarm in hand. A daemon that has died cannot say so: another one does, or cron (`incidents daemon
--once`, `incidents alarms`) on another host.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from incidents.app import App
from incidents.daemon import alarm_letter, journal
from incidents.daemon.part import Part
from incidents.enforcement import waiting
from incidents.enforcement.port import Delivered, Outcome, Retry, Skipped
from incidents.notices import lanes
from incidents.settings import police, sources
from incidents.store import lineage, monitoring
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading, writing
from incidents.views.queue.alarm import (
    FILING,
    HALTED,
    LEFT_DOWN,
    MARK_UNREAD,
    REPORT,
    SILENT,
    Alarm,
)
from incidents.views.queue.alarms import CurrentAlarms, current_alarms

_WRONG = "alarms are not sent"

TICK_S = 5.0
"""How often it is to be run."""

LEASE = timedelta(seconds=25)
"""So long one daemon has an alarm in hand: an attempt comes to its end within 20 s."""

PATIENCE_S = 10.0
"""So long a daemon's silence, a halt, or a mark that cannot be read must have been seen from here
before it is told.

While the database was away nobody could beat; nor has a daemon beaten that has only just started.
And where one daemon carries nothing out, another that knows more may go on.
"""

FRESH_S = 5.0
"""What was seen longer ago is not told: it may have ended meanwhile, and is looked at again."""

KEPT_FOR = timedelta(days=1)
"""So long an alarm is kept that this look cannot say the end of: there are more than it has seen.

A reminder of a report, or of a filing, too: it never comes again, and a daemon whose settings know
other reminders must not forget it for the one that then tells it again.
"""


class Alarms:
    """Looks, raises and tells, for as long as somebody runs it; one thread does.

    Where the settings name no channel to the desk, it is left to a daemon that has one. What is
    wrong in them is cried out and looked at again, until they can be read.
    """

    def __init__(
        self,
        house: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        tell: alarm_letter.Tell | None = None,
        say: Callable[..., None] = journal.say,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        # Opened by the thread that makes this: two at once would open it twice.
        self._house, self._engine = house, house.bare_engine
        self._stopped = stopped
        self._tell = tell
        self._say = say
        self._report: police.ReportDuty | None = None
        self._is_read = False
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._chance = chance
        self._reading, self._part = (Part(_WRONG, monotonic) for _ in range(2))
        self._seen_since: dict[str, float] = {}
        self._strange_since: datetime | None = None
        self.told = 0

    def run(self) -> None:
        """One round; whatever comes of it, the next one will be tried."""
        if not self._stopped() and (self._is_read or self._reading.do(self.read)):
            self._part.do(self._round)

    def read(self) -> None:
        """Read from the settings whom to tell, and of what.

        Raises:
            SettingError, UnknownSettingError, SettingsFileError, TemplateError: naming what is
                wrong.
        """
        self._tell = self._tell or alarm_letter.by_channels(
            lanes.desk_lane(self._house), alarm_letter.here(self._house)
        )
        self._report = police.read(sources.section(police.SECTION))
        self._is_read = True

    def _round(self) -> None:
        if self._tell is None:
            return
        # It may have been upgraded since: what this program would write no longer fits.
        schema.check(self._engine)
        looked_at = self._monotonic()
        known, look, now = self._look()
        known = self._with_list(known, look, now)
        halted = look.halted_since or self._strange_since
        found = {alarm.key: alarm for alarm in look.alarms if self._is_certain(alarm)}
        raised = self._keep_up(known, found, look, now)
        for key, alarm in found.items():
            if self._stopped() or self._monotonic() - looked_at > FRESH_S:
                return
            if halted is not None and not alarm.is_sent_by_copy(halted):
                continue
            if raised[key].due(now) and not self._tell_one(self._tell, alarm, raised[key], halted):
                return

    def _look(self) -> tuple[dict[str, monitoring.Raised], CurrentAlarms, datetime]:
        """What is raised and what is alarming, in one state of the database; and when that was.

        The time is taken after the state: what is raised in it was not raised later than that.
        """
        with plainly(self._engine), reading(self._engine) as connection:
            known = monitoring.known_alarms(connection)
            now = self._house.now(connection)
            # Until the dispatcher has looked what server this is, it may be anything.
            is_strange = lineage.read(connection).is_new
            self._strange_since = (self._strange_since or now) if is_strange else None
            return known, current_alarms(connection, now, self._report), now

    def _with_list(
        self, known: dict[str, monitoring.Raised], look: CurrentAlarms, now: datetime
    ) -> dict[str, monitoring.Raised]:
        """The same, with the list of the sites that a loss has left down as the desk is to be told
        of it, where it is raised already."""
        alarm = next((each for each in look.alarms if each.kind == LEFT_DOWN), None)
        raised = None if alarm is None else known.get(alarm.key)
        renewed = raised and alarm_letter.renewed_list(raised, look.left_down, now)
        if raised is None or renewed is None:
            return known
        with plainly(self._engine), writing(self._engine) as connection:
            is_so = monitoring.renew_alarms(connection, raised, renewed)
        return {**known, raised.key: renewed} if is_so else known

    def _is_certain(self, alarm: Alarm) -> bool:
        if alarm.kind not in {SILENT, HALTED, MARK_UNREAD}:
            return True
        since = self._seen_since.setdefault(alarm.key, self._monotonic())
        return self._monotonic() - since >= self._patience_s

    def _keep_up(
        self,
        known: Mapping[str, monitoring.Raised],
        found: Mapping[str, Alarm],
        look: CurrentAlarms,
        now: datetime,
    ) -> dict[str, monitoring.Raised]:
        """Raises what is new and forgets what has ended; those that stand, by their keys."""
        seen = {alarm.key for alarm in look.alarms}
        for key in self._seen_since.keys() - seen:
            del self._seen_since[key]
        new = {
            key: monitoring.new_alarms(key, alarm.kind, _row_subject(alarm, look), now)
            for key, alarm in found.items()
            if key not in known
        }
        ended = [
            each
            for each in known.values()
            if each.key not in seen and _may_be_forgotten(each, look, now)
        ]
        if new or ended:
            with plainly(self._engine), writing(self._engine) as connection:
                monitoring.delete_alarms(connection, ended)
                monitoring.add_alarms(connection, new.values())
        return {**known, **new}

    def _tell_one(
        self,
        tell: alarm_letter.Tell,
        alarm: Alarm,
        seen: monitoring.Raised,
        halted_since: datetime | None,
    ) -> bool:
        """Tells an alarm, unless another has it in hand; whether the next one should be tried."""
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._house.now(connection)
            claimed = monitoring.claim_alarms(connection, seen, now=now, lease=LEASE)
        if claimed is None:
            return True
        outcome = tell(alarm, claimed, now, halted_since)
        self._record(claimed, outcome)
        self._note(alarm, claimed, outcome)
        # What keeps the channels from taking one will keep them from taking the next.
        return not isinstance(outcome, Retry) or _waits_for_the_hour(outcome)

    def _record(self, claimed: monitoring.Raised, outcome: Outcome) -> None:
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._house.now(connection)
            if isinstance(outcome, Delivered):
                monitoring.record_alarm_sent(connection, claimed, now)
                return
            next_at = now + self._wait(claimed, outcome)
            monitoring.postpone_alarm(
                connection, claimed, next_at, tried=not _waits_for_the_hour(outcome)
            )

    def _note(self, alarm: Alarm, claimed: monitoring.Raised, outcome: Outcome) -> None:
        if isinstance(outcome, Delivered):
            self.told += 1
            self._say("an alarm was sent", kind=alarm.kind, item=alarm.subject)
        elif not _waits_for_the_hour(outcome):
            reason = outcome.why if isinstance(outcome, Skipped) else outcome.problem
            journal.warn(
                "an alarm was not sent yet",
                kind=alarm.kind, item=alarm.subject, attempts=claimed.attempts, reason=reason,
            )  # fmt: skip

    def _wait(self, claimed: monitoring.Raised, outcome: Outcome) -> timedelta:
        asked = outcome.after if isinstance(outcome, Retry) else None
        if asked is not None and _waits_for_the_hour(outcome):
            return asked
        return waiting.wait(claimed.attempts, self._chance(), asked)


def once(house: App) -> Alarms:
    """Tells all that is alarming now: `daemon --once`. A silence is believed at once.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, TemplateError: of what the settings
            say.
    """
    # From cron each line would be a mail, about a mail.
    duty = Alarms(house, say=lambda *_, **__: None, patience_s=0.0)
    duty.read()
    before = -1
    while duty.told > before:
        before = duty.told
        duty.run()
    return duty


def _may_be_forgotten(missing: monitoring.Raised, look: CurrentAlarms, now: datetime) -> bool:
    if missing.kind in look.capped or missing.kind in {REPORT, FILING}:
        return now - missing.raised_at > KEPT_FOR
    return True


def _row_subject(alarm: Alarm, look: CurrentAlarms) -> str:
    return alarm_letter.told_subject(look.left_down) if alarm.kind == LEFT_DOWN else alarm.subject


def _waits_for_the_hour(outcome: Outcome) -> bool:
    """Whether every channel has its quiet hours: nothing was tried, and nothing is wrong."""
    return isinstance(outcome, Retry) and outcome.problem == "quiet"
