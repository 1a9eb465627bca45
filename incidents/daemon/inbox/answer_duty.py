"""The answer duty: tell reporters that a report came in, and how it ended.

The duty follows the desk's own entries, and lets a mail wait for each that leads to one. After a
kill between a mail and its record it is sent again, with the same Message-ID, like any notice.
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
from incidents.daemon.inbox.claims import Pending, Rounds, Work, nothing
from incidents.desk import answers as desk_answers
from incidents.enforcement import waiting
from incidents.enforcement.port import Delivered, Outcome, Retry, Skipped
from incidents.inbox import answering
from incidents.machine.command import DAEMON
from incidents.notices.facts import Reason, ReporterFacts
from incidents.notices.reporter_lane import ReporterLane, reporter_lane
from incidents.record.entry import decode
from incidents.record.report_events import ReportEvent
from incidents.settings.inbox import InboxSettings
from incidents.store import desk_state, entries
from incidents.store.database.engine import plainly, writing
from incidents.store.inbox import answers, reporters, reports
from incidents.store.inbox.answers import CLAIMS, PLACE, Waiting
from incidents.store.inbox.reports import Report
from incidents.values import report_token
from incidents.values.ids import report_id
from incidents.values.incident_states import ENDED

TICK_S = 5.0
"""The interval of the duty's rounds."""
LEASE = timedelta(seconds=25)
"""How long a daemon claims a mail; an attempt to send ends within 20 s."""

_AT_ONCE = 500


class Answers(Rounds):
    """The answer duty of one daemon; `stopped` is called between two transactions."""

    def __init__(
        self, app: App, *, stopped: Callable[[], bool] = lambda: False,
        jitter: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        super().__init__(app, PLACE, "reporters are not answered", stopped=stopped)
        self._jitter = jitter

    def pending(self, settings: InboxSettings) -> Pending | None:
        """See `Rounds`."""
        if not settings.answers:
            return None
        lane = reporter_lane(self._app, settings.languages)
        return Mails(self._app, lane, settings, self._jitter)


class Mails(Pending):
    """The mails to reporters."""

    def __init__(
        self, app: App, lane: ReporterLane, settings: InboxSettings, jitter: Callable[[], float]
    ) -> None:
        self._app, self._lane = app, lane
        self._settings, self._jitter = settings, jitter

    def has_more(self, connection: Connection) -> bool:
        """Whether an incident of which a reporter is to be told has ended."""
        return bool(answers.ended(connection, ENDED, 1))

    def plan(self, connection: Connection, after: int | None) -> int | None:
        """Let mails wait for the next entries, and for incidents that have ended."""
        now = clock.now()
        _release(connection, now)
        if after is None:
            return None
        bodies = answers.bodies_after(connection, after, _AT_ONCE)
        wanted: list[tuple[str, ReportEvent]] = []
        for _, body in bodies:
            if '"kind":"report_' in body:
                _, event = decode(body)
                letter = answering.letter_for(event, self._settings)
                if letter is not None and isinstance(event, ReportEvent):
                    wanted.append((letter, event))
        _let_wait(connection, wanted, self._settings, now)
        return bodies[-1][0] if bodies else None

    def claim(self, connection: Connection, now: datetime) -> Work | None:
        """See `Pending`."""
        settings = self._settings
        mail = answers.due(connection, now)
        if mail is None:
            return None
        rows = reports.named(connection, mail.named)
        about = [id_ for id_ in mail.named if answering.is_so(mail.letter, rows[id_], mail.since)]
        if about != mail.named:
            # Opened again meanwhile.
            answers.narrow(connection, mail, about)
            return nothing
        first = rows[mail.report]
        original = _readings(connection, [first]).get(mail.report, {})
        address = _address(_Reporters(connection), first, original, settings)
        is_wanted = answering.is_wanted(mail.letter, settings)
        if address is None or not is_wanted or answering.is_given_up(mail.since, now):
            # Erased, muted, blocked or switched off meanwhile, or too late.
            CLAIMS.remove(connection, mail)
            return nothing
        last = answers.last_told(connection, mail.reporter, mail.letter)
        turn = answering.next_turn(last, now)
        if turn is not None:
            CLAIMS.postpone(connection, mail, turn)
            return nothing
        hour_ago = now - timedelta(hours=1)
        if answers.mails_since(connection, hour_ago) >= settings.answers_per_hour:
            return None
        claimed = CLAIMS.claim(connection, mail, now, clock.passing(LEASE))
        if claimed is None:
            return nothing
        token = report_token.token(reports.identity(connection), mail.report)
        facts = ReporterFacts(
            reference=report_id(mail.report), at=first.received_at, more=mail.more,
            others=tuple(map(report_id, mail.named[1:])), reasons=_reasons(connection, mail),
            corrected=tuple(map(report_id, _corrected(connection, mail, rows))),
        )  # fmt: skip
        send = partial(
            self._lane.send, mail.letter, facts, address, token=token,
            message_id=original.get("message_id"),
        )  # fmt: skip
        return partial(self._tell, claimed, address, send)

    def _tell(self, mail: Waiting, address: str, send: Callable[[], Outcome]) -> bool:
        outcome = send()
        self._finish(mail, address, outcome)
        # A fault of the channel would affect the next mail, too.
        return not isinstance(outcome, Retry)

    def _finish(self, mail: Waiting, address: str, outcome: Outcome) -> None:
        now = clock.now()
        if isinstance(outcome, Retry) and not answering.is_given_up(mail.since, now):
            until = now + waiting.wait(mail.attempts, self._jitter(), outcome.after)
            engine = self._app.bare_engine
            with plainly(engine), writing(engine) as connection:
                CLAIMS.postpone(connection, mail, until)
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
        if not CLAIMS.is_claimed(connection, mail):
            return
        problem = None
        if not isinstance(outcome, Delivered):
            problem = outcome.why if isinstance(outcome, Skipped) else outcome.problem
        desk_answers.record(
            connection, mail, address, problem, by=DAEMON, login=self._app.settings.login,
            clock=clock.now,
        )  # fmt: skip


def once(app: App) -> None:
    """Answer what is to be answered now (`daemon --once`); raises the errors of `round`."""
    Answers(app).round()


class _Reporters:
    """The keys and standings of reporters as a transaction sees them, each looked up once."""

    def __init__(self, connection: Connection) -> None:
        self.key = cache(partial(reports.reporter_key, connection))
        self.standings = cache(partial(_standings, connection))


def _standings(connection: Connection, keys: frozenset[str]) -> set[str]:
    return set(reporters.standings(connection, keys).values())


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
        letter = answering.outcome(letter, row)  # noqa: PLW2901 - the mail that it leads to
        address = _address(known, row, readings.get(row.id, {}), settings)
        if address is None or row.answers is not None:
            continue
        if not answering.is_so(letter, row, event.recorded_at):
            continue
        key, is_again = known.key(address), row.reopened_at is not None
        if (row.id, letter) not in told:
            answers.put(connection, key, letter, row.id, now, again=is_again)
        if letter != answers.ACTED or (row.id, answers.ENDED) in told:
            continue
        if row.site_id is not None and row.incident is not None:
            answers.watch(connection, key, row.id, now, (row.site_id, row.incident))


def _release(connection: Connection, now: datetime) -> None:
    """Let reporters be told of incidents that have ended; of a void one there is nothing to say.

    If a report led to several incidents, the mail is due when the last of them ends. Until then it
    waits for the next one.
    """
    for mail in answers.ended(connection, ENDED, _AT_ONCE):
        CLAIMS.remove(connection, mail)
        rows = reports.named(connection, mail.named)
        before = reports.incidents_before(connection, rows)
        led = {id_: reports.incidents_of(row, before.get(id_, ())) for id_, row in rows.items()}
        states = answers.states_of(connection, [key for own in led.values() for key in own])
        about = []
        for id_ in (id_ for id_ in mail.named if rows[id_].is_settled):
            left = [key for key in led[id_] if states.get(key) not in ENDED]
            if left:
                answers.watch(connection, mail.reporter, id_, now, left[0])
            elif any(states[key] != "voided" for key in led[id_]):
                about.append(id_)
        if about:
            answers.release(connection, mail.only(about), now)


def _readings(connection: Connection, rows: list[Report]) -> dict[int, Mapping[str, Any]]:
    texts = entries.values(connection, {row.reading for row in rows}) if rows else {}
    return {row.id: json.loads(texts[row.reading]) for row in rows if row.reading in texts}


def _reasons(connection: Connection, mail: Waiting) -> tuple[Reason, ...]:
    """What the desk writes to the reporter about each report of the mail, unless it was erased."""
    if mail.letter != answers.EXPLAINED:
        return ()
    rows = reports.named(connection, mail.named)
    refs = {row.reason for row in rows.values() if row.reason is not None}
    texts = entries.values(connection, refs) if refs else {}
    return tuple(
        Reason(report_id(id_), texts[row.reason])
        for id_, row in sorted(rows.items())
        if row.reason is not None and row.reason in texts
    )


def _corrected(connection: Connection, mail: Waiting, rows: Mapping[int, Report]) -> list[int]:
    """The reports of the mail for which the reporter received another outcome before."""
    told: dict[int, list[str]] = {id_: [] for id_, row in rows.items() if row.reopened_at}
    for each in answers.told(connection, told) if told else ():
        if each.problem is None:
            told[each.report].append(each.letter)
    return [id_ for id_ in sorted(told) if answering.corrects(mail.letter, told[id_])]


def _address(
    known: _Reporters, row: Report, read: Mapping[str, Any], settings: InboxSettings
) -> str | None:
    """The address to which a mail about the report may go now; None if none may go."""
    address = answering.address_of(read, row.channel, settings)
    if address is None:
        return None
    standings = known.standings(frozenset({known.key(address), row.reporter or ""}))
    return address if answering.may_answer(standings, settings) else None
