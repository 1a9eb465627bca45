"""The answer duty: tell reporters that a report came in, and how it ended.

The duty follows the desk's own entries, and lets a mail wait for each that leads to one. A mail is
claimed, sent, and put on record: after a kill between the last two it is sent again, with the same
Message-ID, like any notice.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection

from incidents import clock
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Part
from incidents.desk import answers as desk_answers
from incidents.enforcement import waiting
from incidents.enforcement.port import Delivered, Outcome, Retry, Skipped
from incidents.inbox import answering
from incidents.machine.command import DAEMON
from incidents.notices.letter import ReporterFacts
from incidents.notices.reporter_lane import ReporterLane, reporter_lane
from incidents.record.entry import decode
from incidents.record.report_events import ReportEvent
from incidents.settings import inbox, sources
from incidents.settings.inbox import InboxSettings
from incidents.store import desk_state, entries, lineage
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.inbox import answers, reporters, reports
from incidents.store.inbox.answers import Waiting
from incidents.store.inbox.reports import Report
from incidents.values import report_token
from incidents.values.ids import report_id

TICK_S = 5.0
"""The interval of the duty's rounds."""
LEASE = timedelta(seconds=25)
"""How long a daemon claims a mail; an attempt to send ends within 20 s."""

_AT_ONCE = 500
_OVER = ("removed", "refused", "moot", "voided")


class Answers:
    """The answer duty of one daemon; `stopped` is called between two transactions."""

    def __init__(
        self, app: App, *, stopped: Callable[[], bool] = lambda: False,
        jitter: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._app, self._engine = app, app.bare_engine
        self._stopped, self._jitter = stopped, jitter
        self._part = Part("reporters are not answered")

    def run(self) -> None:
        """Do one round of the duty; log errors."""
        self._part.attempt(self.answer)

    def answer(self) -> None:
        """Let mails wait for what has happened, and send those that are due.

        Raises:
            SettingError, UnknownSettingError, TemplateError: if a setting is wrong.
            DatabaseError: if the database fails.
        """
        settings = inbox.read(sources.section(inbox.SECTION))
        schema.check(self._engine)
        if not settings.answers:
            self._rest()
            return
        lane = reporter_lane(self._app, settings.languages)
        while not self._stopped() and self._has_news():
            self._app.desk.on_record(partial(_plan, settings=settings))
        if self._is_halted():
            return
        while not self._stopped() and self._send_next(lane, settings):
            pass

    def _rest(self) -> None:
        """Forget the place: what happens until reporters are answered again is not answered."""
        with plainly(self._engine), reading(self._engine) as connection:
            is_on = answers.place(connection)[0] is not None
        if is_on:
            self._app.desk.on_record(partial(answers.move, to=None))

    def _has_news(self) -> bool:
        """Whether mails are to wait for something; to look takes no lock."""
        with plainly(self._engine), reading(self._engine) as connection:
            before, last = answers.place(connection)
            return before is None or before < last or bool(answers.ended(connection, _OVER, 1))

    def _is_halted(self) -> bool:
        """Whether this database may be a copy, whose daemon tells nobody anything."""
        with plainly(self._engine), reading(self._engine) as connection:
            return lineage.standing(connection).halted_since is not None

    def _send_next(self, lane: ReporterLane, settings: InboxSettings) -> bool:
        """Send the next mail that is due; return whether to go on."""
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._app.now(connection)
            mail = answers.due(connection, now)
            if mail is None:
                return False
            first = reports.named(connection, [mail.report])[mail.report]
            original = _readings(connection, [first]).get(mail.report, {})
            address = _address(_Reporters(connection), first, original, settings)
            is_wanted = answering.is_wanted(mail.letter, settings)
            if address is None or not is_wanted or answering.is_given_up(mail.since, now):
                # Erased, muted, blocked or switched off meanwhile, or too late.
                answers.remove(connection, mail)
                return True
            last = answers.last_told(connection, mail.reporter, mail.letter)
            turn = answering.next_turn(last, now)
            if turn is not None:
                answers.postpone(connection, mail, turn)
                return True
            hour_ago = now - timedelta(hours=1)
            if answers.mails_since(connection, hour_ago) >= settings.answers_per_hour:
                return False
            claimed = answers.claim(connection, mail, now, clock.passing(LEASE))
            token = report_token.token(reports.identity(connection), mail.report)
        if claimed is None:
            return True
        facts = ReporterFacts(
            reference=report_id(mail.report), at=first.received_at, more=mail.more,
            others=tuple(map(report_id, mail.named[1:])),
        )  # fmt: skip
        outcome = lane.send(
            mail.letter, facts, address, token=token, message_id=original.get("message_id")
        )
        self._finish(claimed, address, outcome)
        # A fault of the channel would affect the next mail, too.
        return not isinstance(outcome, Retry)

    def _finish(self, mail: Waiting, address: str, outcome: Outcome) -> None:
        now = clock.now()
        if isinstance(outcome, Retry) and not answering.is_given_up(mail.since, now):
            until = now + waiting.wait(mail.attempts, self._jitter(), outcome.after)
            with plainly(self._engine), writing(self._engine) as connection:
                answers.postpone(connection, mail, until)
        else:
            self._app.desk.on_record(partial(self._record, mail, address, outcome))
        fields = {"item": report_id(mail.report), "kind": mail.letter}
        if isinstance(outcome, Delivered):
            journal.info(
                "a reporter was answered", count=1 + len(mail.named[1:]) + mail.more, **fields
            )
        else:
            reason = outcome.why if isinstance(outcome, Skipped) else outcome.problem
            journal.warning(
                "a reporter was not answered", attempts=mail.attempts, reason=reason, **fields
            )

    def _record(
        self, mail: Waiting, address: str, outcome: Outcome, connection: Connection
    ) -> None:
        desk_state.lock_desk(connection)
        # An erasure, or another daemon after the lease, may have been there first.
        if not answers.is_claimed(connection, mail):
            return
        problem = None
        if not isinstance(outcome, Delivered):
            problem = outcome.why if isinstance(outcome, Skipped) else outcome.problem
        desk_answers.record(
            connection, mail, address, problem, by=DAEMON, login=self._app.settings.login,
            clock=clock.now,
        )  # fmt: skip


def once(app: App) -> None:
    """Answer what is to be answered now (`daemon --once`); raises the errors of `answer`."""
    Answers(app).answer()


class _Reporters:
    """The keys and standings of reporters as a transaction sees them, each looked up once."""

    def __init__(self, connection: Connection) -> None:
        self.key = cache(partial(reports.reporter_key, connection))
        self.standings = cache(partial(_standings, connection))


def _standings(connection: Connection, keys: frozenset[str]) -> set[str]:
    return set(reporters.standings(connection, keys).values())


def _plan(connection: Connection, settings: InboxSettings) -> None:
    """Let mails wait for the next entries, and for incidents that have ended."""
    desk_state.lock_desk(connection)
    now = clock.now()
    _release(connection, now)
    before, last = answers.place(connection)
    if before is None:
        answers.move(connection, last)
        return
    bodies = answers.bodies_after(connection, before, _AT_ONCE)
    wanted: list[tuple[str, ReportEvent]] = []
    for _, body in bodies:
        if '"kind":"report_' in body:
            _, event = decode(body)
            letter = answering.letter_for(event, settings)
            if letter is not None and isinstance(event, ReportEvent):
                wanted.append((letter, event))
    _let_wait(connection, wanted, settings, now)
    answers.move(connection, bodies[-1][0] if bodies else last)


def _let_wait(
    connection: Connection, wanted: list[tuple[str, ReportEvent]], settings: InboxSettings,
    now: datetime,
) -> None:  # fmt: skip
    rows = reports.named(connection, (event.report for _, event in wanted))
    readings = _readings(connection, list(rows.values()))
    told = {(each.report, each.letter) for each in answers.told(connection, rows)}
    known = _Reporters(connection)
    for letter, event in wanted:
        row = rows[event.report]
        address = _address(known, row, readings.get(row.id, {}), settings)
        if address is None or row.answers is not None or (row.id, letter) in told:
            continue
        key = known.key(address)
        answers.put(connection, key, letter, row.id, now)
        if letter == answers.ACTED and row.site_id is not None and row.incident is not None:
            answers.watch(connection, key, row.id, now, (row.site_id, row.incident))


def _release(connection: Connection, now: datetime) -> None:
    """Let reporters be told of incidents that have ended; of a void one there is nothing to say."""
    for mail, state in answers.ended(connection, _OVER, _AT_ONCE):
        if state == "voided":
            answers.remove(connection, mail)
        else:
            answers.release(connection, mail, now)


def _readings(connection: Connection, rows: list[Report]) -> dict[int, Mapping[str, Any]]:
    texts = entries.values(connection, {row.reading for row in rows}) if rows else {}
    return {row.id: json.loads(texts[row.reading]) for row in rows if row.reading in texts}


def _address(
    known: _Reporters, row: Report, read: Mapping[str, Any], settings: InboxSettings
) -> str | None:
    """The address to which a mail about the report may go now; None if none may go."""
    address = answering.address_of(read, row.channel, settings)
    if address is None:
        return None
    standings = known.standings(frozenset({known.key(address), row.reporter or ""}))
    return address if answering.may_answer(standings, settings) else None
