"""The alarm duty: look for causes of alarms, and send the desk one alarm for each.

Any number of daemons may have this duty. An alarm that one daemon has raised is not raised by the
others, and only one daemon at a time sends it. A dead daemon is reported by another daemon, or by
cron on another host (`incidents daemon --once`, `incidents alarms`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from incidents import clock
from incidents.app import App
from incidents.daemon import alarm_letter, journal
from incidents.daemon.part import Part
from incidents.enforcement import waiting
from incidents.enforcement.port import Delivered, Outcome, Retry, Skipped
from incidents.notices import lanes
from incidents.settings import inbox, police, sources
from incidents.store import monitoring
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.log import lineage
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
"""The interval of the duty's rounds."""

LEASE = timedelta(seconds=25)
"""How long a daemon claims an alarm to send it; an attempt to send ends within 20 s."""

PATIENCE_S = 10.0
"""How long a silence, a halt or an unreadable mark must last before this daemon raises an alarm.

While the database was unavailable, no daemon could send a heartbeat, and a daemon that has just
started has not sent one yet. If one daemon carries out no orders, another daemon that knows more
may continue.
"""

FRESH_S = 5.0
"""The age at which a finding is checked again before its alarm is sent.

The cause of the alarm may have ended in the meantime.
"""

KEPT_FOR = timedelta(days=1)
"""How long an alarm is kept if its end cannot be seen, because the list of alarms was cut.

Reminders of reports and filings are kept just as long: otherwise, daemons with other settings would
send them again.
"""


class Alarms:
    """The alarm duty of one daemon, run by one thread.

    If the settings name no channel to the desk, this daemon sends no alarms; another daemon may
    have a channel. Errors in the settings are logged, and the settings are read again until they
    are valid.
    """

    def __init__(
        self,
        app: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        send: alarm_letter.SendAlarm | None = None,
        say: Callable[..., None] = journal.info,
        patience_s: float = PATIENCE_S,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        # Open it in the constructor: two threads would open it twice.
        self._app, self._engine = app, app.bare_engine
        self._stopped = stopped
        self._send = send
        self._say = say
        self._report: police.ReportDuty | None = None
        self._triage_within: timedelta | None = None
        self._is_read = False
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._jitter = jitter
        self._reading, self._part = (Part(_WRONG, monotonic) for _ in range(2))
        self._seen_since: dict[str, float] = {}
        self._strange_since: datetime | None = None
        self.sent = 0

    def run(self) -> None:
        """Do one round of the duty; a failure does not prevent the next round."""
        if not self._stopped() and (self._is_read or self._reading.attempt(self.read)):
            self._part.attempt(self._round)

    def read(self) -> None:
        """Read the channels and the reminders from the settings.

        Raises:
            SettingError, UnknownSettingError, SettingsFileError, TemplateError: if a setting is
                wrong.
        """
        self._send = self._send or alarm_letter.channel_sender(
            lanes.desk_lane(self._app), alarm_letter.this_source(self._app)
        )
        self._report = police.read(sources.section(police.SECTION))
        self._triage_within = inbox.read(sources.section(inbox.SECTION)).triage_within
        self._is_read = True

    def _round(self) -> None:
        if self._send is None:
            return
        # The schema may have been upgraded since, so that this program must not write.
        schema.check(self._engine)
        looked_at = self._monotonic()
        known, look, now = self._look()
        known = self._with_current_list(known, look, now)
        halted = look.halted_since or self._strange_since
        found = {alarm.key: alarm for alarm in look.alarms if self._has_lasted(alarm)}
        raised = self._update_rows(known, found, look, now)
        for key, alarm in found.items():
            if self._stopped() or self._monotonic() - looked_at > FRESH_S:
                return
            if halted is not None and not alarm.is_sent_by_copy(halted):
                continue
            if raised[key].due(now) and not self._send_one(self._send, alarm, raised[key], halted):
                return

    def _look(self) -> tuple[dict[str, monitoring.Raised], CurrentAlarms, datetime]:
        """The alarms already raised, the current causes of alarms, and the time of both.

        The time is read after the raised alarms, so that no alarm has a later time.
        """
        with plainly(self._engine), reading(self._engine) as connection:
            known = monitoring.known_alarms(connection)
            now = self._app.now(connection)
            # Until the dispatcher has checked the server, it is unknown.
            is_strange = lineage.read(connection).is_new
            self._strange_since = (self._strange_since or now) if is_strange else None
            look = current_alarms(connection, now, self._report, self._triage_within)
            return known, look, now

    def _with_current_list(
        self, known: dict[str, monitoring.Raised], look: CurrentAlarms, now: datetime
    ) -> dict[str, monitoring.Raised]:
        """The raised alarms, with the list of left-down sites brought up to date."""
        alarm = next((each for each in look.alarms if each.kind == LEFT_DOWN), None)
        raised = None if alarm is None else known.get(alarm.key)
        renewed = raised and alarm_letter.updated_row(raised, look.left_down, now)
        if raised is None or renewed is None:
            return known
        with plainly(self._engine), writing(self._engine) as connection:
            is_so = monitoring.renew_alarms(connection, raised, renewed)
        return {**known, raised.key: renewed} if is_so else known

    def _has_lasted(self, alarm: Alarm) -> bool:
        if alarm.kind not in {SILENT, HALTED, MARK_UNREAD}:
            return True
        since = self._seen_since.setdefault(alarm.key, self._monotonic())
        return self._monotonic() - since >= self._patience_s

    def _update_rows(
        self,
        known: Mapping[str, monitoring.Raised],
        found: Mapping[str, Alarm],
        look: CurrentAlarms,
        now: datetime,
    ) -> dict[str, monitoring.Raised]:
        """Add new alarms and remove alarms that have ended; return all alarms by key."""
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
            if each.key not in seen and _may_be_removed(each, look, now)
        ]
        if new or ended:
            with plainly(self._engine), writing(self._engine) as connection:
                monitoring.delete_alarms(connection, ended)
                monitoring.add_alarms(connection, new.values())
        return {**known, **new}

    def _send_one(
        self,
        send: alarm_letter.SendAlarm,
        alarm: Alarm,
        seen: monitoring.Raised,
        halted_since: datetime | None,
    ) -> bool:
        """Send an alarm, unless another daemon is sending it.

        Return whether to try the next alarm.
        """
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._app.now(connection)
            claimed = monitoring.claim_alarms(connection, seen, now=now, lease=clock.passing(LEASE))
        if claimed is None:
            return True
        outcome = send(alarm, claimed, now, halted_since)
        self._record(claimed, outcome)
        self._log_outcome(alarm, claimed, outcome)
        # A fault of the channels would affect the next alarm too.
        return not isinstance(outcome, Retry) or _is_quiet(outcome)

    def _record(self, claimed: monitoring.Raised, outcome: Outcome) -> None:
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._app.now(connection)
            if isinstance(outcome, Delivered):
                monitoring.record_alarm_sent(connection, claimed, now)
                return
            next_at = now + self._wait(claimed, outcome)
            monitoring.postpone_alarm(connection, claimed, next_at, tried=not _is_quiet(outcome))

    def _log_outcome(self, alarm: Alarm, claimed: monitoring.Raised, outcome: Outcome) -> None:
        if isinstance(outcome, Delivered):
            self.sent += 1
            self._say("an alarm was sent", kind=alarm.kind, item=alarm.subject)
        elif not _is_quiet(outcome):
            reason = outcome.why if isinstance(outcome, Skipped) else outcome.problem
            journal.warning(
                "an alarm was not sent yet",
                kind=alarm.kind, item=alarm.subject, attempts=claimed.attempts, reason=reason,
            )  # fmt: skip

    def _wait(self, claimed: monitoring.Raised, outcome: Outcome) -> timedelta:
        asked = outcome.after if isinstance(outcome, Retry) else None
        if asked is not None and _is_quiet(outcome):
            return asked
        return waiting.wait(claimed.attempts, self._jitter(), asked)


def once(app: App) -> Alarms:
    """Send all current alarms (`daemon --once`); a silent daemon is reported without delay.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, TemplateError: if a setting is wrong.
    """
    # In cron each line would become a mail.
    duty = Alarms(app, say=lambda *_, **__: None, patience_s=0.0)
    duty.read()
    before = -1
    while duty.sent > before:
        before = duty.sent
        duty.run()
    return duty


def _may_be_removed(missing: monitoring.Raised, look: CurrentAlarms, now: datetime) -> bool:
    if missing.kind in look.capped or missing.kind in {REPORT, FILING}:
        return now - missing.raised_at > KEPT_FOR
    return True


def _row_subject(alarm: Alarm, look: CurrentAlarms) -> str:
    return alarm_letter.subject_of(look.left_down) if alarm.kind == LEFT_DOWN else alarm.subject


def _is_quiet(outcome: Outcome) -> bool:
    """Whether quiet hours delay the alarm: no attempt was made, and there is no error."""
    return isinstance(outcome, Retry) and outcome.problem == "quiet"
