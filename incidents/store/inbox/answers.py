"""Queries for the mails to reporters: those that wait, those that were sent, and what comes next.

A waiting mail is of one reporter, and about one or more of their reports: what becomes due while it
waits joins it. A daemon claims a mail for a while (`next_at` in the future, one more attempt);
later reports then wait in a mail of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, get_args

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)

from incidents.contract.documents.reports import ReporterLetter
from incidents.store.inbox.claims import Claims, Place
from incidents.store.schema.desk_tables import DESK_STREAM, desk, entries
from incidents.store.schema.report_tables import answers, waiting_answers
from incidents.store.schema.tables import incidents

LETTERS: tuple[str, ...] = get_args(ReporterLetter)
RECEIPT, ACTED, DISMISSED, NOT_OURS, ENDED, EXPLAINED = LETTERS
"""The mails: a report came in; it led to an incident; it led to none; it is about nothing that is
hosted here; the incident has ended; and it led to none, for the reason that the desk writes."""

MAX_NAMED = 50
"""The maximum number of reports that a mail names; it counts the others."""

_AT_ONCE = 500


class Answer(NamedTuple):
    """A mail that was sent, or not (`problem`), about one report; `mail` is its first report."""

    report: int
    letter: str
    told_at: datetime
    problem: str | None
    mail: int
    reporter: str | None = None


class Waiting(NamedTuple):
    """A mail that waits, with a field for each column of the table; times are in UTC."""

    reporter: str
    letter: str
    report: int
    others: str
    more: int
    since: datetime
    attempts: int
    next_at: datetime | None
    site_id: int | None = None
    incident: int | None = None

    @property
    def named(self) -> list[int]:
        """The numbers of the reports that the mail names, the first one first."""
        return [self.report, *json.loads(self.others)]

    def only(self, about: Sequence[int]) -> Waiting:
        """The mail, about those of the named reports alone."""
        first, *others = about
        return self._replace(report=first, others=json.dumps(others))

    def with_report(self, report: int) -> Waiting:
        """The mail, also about that report."""
        if report in self.named:
            return self
        others = self.named[1:]
        if len(others) + 1 >= MAX_NAMED:
            return self._replace(more=self.more + 1)
        return self._replace(others=json.dumps([*others, report]))


CLAIMS = Claims(waiting_answers, Waiting)
PLACE = Place(desk.c.answered, desk.c.seq)
"""The number of the desk's own entry up to which reporters were answered."""


def bodies_after(connection: Connection, seq: int, most: int) -> list[tuple[int, str]]:
    """The next entries of the desk itself after that number, each with its number."""
    of = entries.c
    asked = select(of.site_seq, of.body).where(of.site_id == DESK_STREAM, of.site_seq > seq)
    return [(row.site_seq, row.body) for row in connection.execute(
        asked.order_by(of.site_seq).limit(most)
    )]  # fmt: skip


def told(connection: Connection, reports: Iterable[int]) -> list[Answer]:
    """The mails that were about those reports, the oldest first."""
    wanted, found = sorted(set(reports)), []
    for start in range(0, len(wanted), _AT_ONCE):
        some = answers.c.report.in_(wanted[start : start + _AT_ONCE])
        found += [Answer(*row) for row in connection.execute(select(answers).where(some))]
    return sorted(found, key=lambda each: (each.told_at, each.letter))


def last_told(connection: Connection, reporter: str, letter: str) -> datetime | None:
    """When the reporter with that key got such a mail last (UTC)."""
    of = answers.c
    own = (of.reporter == reporter, of.letter == letter, of.problem.is_(None))
    found: datetime | None = connection.scalar(select(func.max(of.told_at)).where(*own))
    return found


def mails_since(connection: Connection, moment: datetime) -> int:
    """The number of mails that were sent after that time (UTC)."""
    of = answers.c
    asked = select(func.count()).where(of.told_at > moment, of.report == of.mail)
    return connection.scalar(asked.where(of.problem.is_(None))) or 0


def put(
    connection: Connection, reporter: str, letter: str, report: int, now: datetime, *,
    again: bool = False,
) -> None:  # fmt: skip
    """Let the mail about the report wait: in the reporter's unclaimed one, or in a new one.

    `again`: the report was opened again, so that an older mail no longer says what is so of it.
    """
    new = Waiting(reporter, letter, report, "[]", 0, now, 0, now)
    if again:
        before = update(waiting_answers).where(_same(new)).values(since=now)
        if not connection.execute(before).rowcount:
            connection.execute(insert(waiting_answers).values(new._asdict()))
    else:
        _put(connection, new)


def watch(
    connection: Connection, reporter: str, report: int, now: datetime, incident: tuple[int, int]
) -> None:
    """Let the reporter be told of the end of that incident (its site's id and its number).

    Before it was opened again the report may have led to another one, of which they are not told.
    """
    new = Waiting(reporter, ENDED, report, "[]", 0, now, 0, None, *incident)
    row = connection.execute(select(waiting_answers).where(_same(new))).first()
    before = new if row is None else Waiting(*row)
    if (before.site_id, before.incident) != incident:
        narrow(connection, before, before.named[1:])
    _put(connection, new)


def _put(connection: Connection, new: Waiting) -> None:
    of = waiting_answers.c
    where = [of.reporter == new.reporter, of.letter == new.letter, of.attempts == 0]
    if new.next_at is None:
        same = (of.next_at.is_(None), of.site_id == new.site_id, of.incident == new.incident)
        where += same
    else:
        where.append(of.next_at.is_not(None))
    row = connection.execute(select(waiting_answers).where(*where).order_by(of.report)).first()
    if row is not None:
        before = Waiting(*row)
        joined = before
        for report in new.named:
            joined = joined.with_report(report)
        joined = joined._replace(more=joined.more + new.more)
        values = {"others": joined.others, "more": joined.more}
        connection.execute(update(waiting_answers).where(_same(before)).values(values))
    elif not connection.execute(select(of.report).where(_same(new))).first():
        connection.execute(insert(waiting_answers).values(new._asdict()))


def ended(connection: Connection, states: Sequence[str], most: int) -> list[Waiting]:
    """The mails that waited for an incident which is in one of those states now."""
    of, own = waiting_answers.c, incidents.c
    same = and_(own.site_id == of.site_id, own.n == of.incident)
    asked = select(waiting_answers).join(incidents, same)
    rows = connection.execute(asked.where(of.next_at.is_(None), own.state.in_(states)).limit(most))
    return [Waiting(*row) for row in rows]


def states_of(
    connection: Connection, keys: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], str]:
    """The states of those incidents (site's id and number)."""
    own, found = incidents.c, {}
    wanted = sorted(set(keys))
    for start in range(0, len(wanted), _AT_ONCE):
        some = tuple_(own.site_id, own.n).in_(wanted[start : start + _AT_ONCE])
        for row in connection.execute(select(own.site_id, own.n, own.state).where(some)):
            found[row.site_id, row.n] = row.state
    return found


def release(connection: Connection, waited: Waiting, now: datetime) -> None:
    """Let a mail that waited for the end of an incident, and was removed, be sent."""
    _put(connection, waited._replace(next_at=now, since=now, site_id=None, incident=None))


def narrow(connection: Connection, mail: Waiting, about: Sequence[int]) -> None:
    """Let the mail be about those of its reports alone, or about none.

    What waits in a mail of its own meanwhile, as it was opened again, is left to that one.
    """
    of = waiting_answers.c
    unchanged = (_same(mail), of.attempts == mail.attempts)
    if not connection.execute(delete(waiting_answers).where(*unchanged)).rowcount:
        return
    same = (of.reporter == mail.reporter, of.letter == mail.letter, of.report.in_(about))
    apart = set(connection.scalars(select(of.report).where(*same)))
    left = [report for report in about if report not in apart]
    if left:
        connection.execute(insert(waiting_answers).values(mail.only(left)._asdict()))


def due(connection: Connection, now: datetime) -> Waiting | None:
    """The next mail that is due at `now` (UTC); one waits for those before it to one reporter."""
    of = waiting_answers.c
    before = waiting_answers.alias("before")
    is_behind = exists().where(
        before.c.reporter == of.reporter, before.c.letter == of.letter,
        before.c.report < of.report, before.c.next_at.is_not(None),
    )  # fmt: skip
    return CLAIMS.due(connection, now, ~is_behind)


def add(connection: Connection, new: Sequence[Answer]) -> None:
    """Note mails that were sent, or could not be; what is known of a report stays."""
    known = {(each.report, each.letter) for each in told(connection, (a.report for a in new))}
    rows = [each._asdict() for each in new if (each.report, each.letter) not in known]
    if rows:
        connection.execute(insert(answers), rows)


def drop(connection: Connection, reporter: str) -> None:
    """Drop the mails to the reporter with that key that wait."""
    connection.execute(delete(waiting_answers).where(waiting_answers.c.reporter == reporter))


def _same(row: Waiting) -> ColumnElement[bool]:
    of = waiting_answers.c
    return and_(of.reporter == row.reporter, of.letter == row.letter, of.report == row.report)
