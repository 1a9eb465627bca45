"""Queries for the log of sign-ins: successes, refusals and their addresses, until erased."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Insert,
    Table,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from incidents.store.schema.access_tables import accounts, refusals, sessions, sign_ins, succeeded
from incidents.store.statement import insert_or

if TYPE_CHECKING:
    from incidents.store.pages import Page


OK = "ok"
"""The result of a successful sign-in; other results are reasons for a failure."""

MAX_ADDRESSES = 200
"""The maximum number of addresses a day (UTC) whose refusals are counted separately."""
OTHER_ADDRESSES = "?"
"""The name under which the refusals of all further addresses of the day are counted."""

_PEOPLE = {sign_ins: ("handle", "by", "place"), refusals: ("handle", "login")}
"""The columns that identify the person and the address."""


class SignIn(NamedTuple):
    """An event of sign-in at `at` (UTC).

    `what` is sign_in, sign_out, proof or second. `handle` is the account, None if no account has
    that name. `by` is the other person: the person who ended the session, or the person who was
    already signed in when a second person signed in. `place` is an address or a terminal.
    """

    at: datetime
    what: str
    result: str
    how: str
    handle: str | None = None
    by: str | None = None
    place: str | None = None
    session: str | None = None


class Refusal(NamedTuple):
    """An action refused to a person. `login`: the method of sign-in; `about`: its subject."""

    handle: str
    login: str
    act: str
    why: str
    about: str | None = None


def add(connection: Connection, *new: SignIn) -> None:
    """Add an event."""
    if new:
        rows = [each._asdict() | {"erased": False} for each in new]
        connection.execute(insert(sign_ins), rows)


def last_used(connection: Connection, *handles: str) -> dict[str, datetime]:
    """When each of those accounts (None: all) signed in last, or last used an open session."""
    of, own = sign_ins.c, accounts.c.handle
    came_in = (of.handle == own, of.result == OK, of.what.in_(("sign_in", "second")))
    latest = select(func.max(of.at)).where(*came_in).scalar_subquery()
    seen = select(func.max(sessions.c.seen_at)).where(sessions.c.handle == own).scalar_subquery()
    wanted = select(own, latest, seen)
    rows = connection.execute(wanted.where(own.in_(handles)) if handles else wanted)
    return {
        handle: max(each for each in moments if each is not None)
        for handle, *moments in rows
        if any(moments)
    }


def add_if(connection: Connection, new: SignIn, wanted: bool) -> None:
    """Add an event if it is `wanted`; the cost for the database is the same if not."""
    connection.execute(_given_if(insert(sign_ins), new._asdict() | {"erased": False}, wanted))


def count(connection: Connection, refused: Sequence[Refusal], at: datetime) -> None:
    """Count refusals by the day (UTC) and all their fields but `about`."""
    # In a fixed order, so that concurrent transactions do not deadlock.
    for each in sorted(refused, key=lambda refusal: refusal[:-1]):
        _count(connection, each, at)


def count_bounded(
    connection: Connection, refused: Refusal, at: datetime, *, wanted: bool = True
) -> int:
    """Count a refusal that anybody can cause from any number of addresses.

    Addresses beyond the first `MAX_ADDRESSES` of the day are counted together. Returns the count so
    far; 0 if the count is not `wanted`, at the same cost for the database.
    """
    of = refusals.c
    same = (of.day == at.date().isoformat(), of.handle == refused.handle)
    places = connection.scalars(
        select(of.login)
        .where(*same, of.act == refused.act, of.why == refused.why)
        .limit(MAX_ADDRESSES + 1)
    ).all()
    if refused.login not in places and len(places) >= MAX_ADDRESSES:
        refused = refused._replace(login=OTHER_ADDRESSES)
    return _count(connection, refused, at, wanted=wanted)


def _count(connection: Connection, refused: Refusal, at: datetime, *, wanted: bool = True) -> int:
    row = (
        refused._asdict()
        | {"about": printable(refused.about)}
        | {"day": at.date().isoformat(), "first_at": at, "last_at": at}
        | {"count": 1, "erased": False}
    )
    new: Any = _given_if(insert_or(connection, refusals), row, wanted)
    more = {
        "count": refusals.c.count + 1, "last_at": new.excluded.last_at,
        "about": new.excluded.about,
    }  # fmt: skip
    kept = new.on_conflict_do_update(index_elements=list(refusals.primary_key), set_=more)
    return connection.scalar(kept.returning(refusals.c.count)) or 0


def _given_if(insert_: Insert, row: Mapping[str, Any], wanted: bool) -> Insert:
    columns = insert_.table.c
    values = (literal(value, columns[name].type) for name, value in row.items())
    return insert_.from_select(list(row), select(*values).where(literal(wanted)))


def has_signed_in(connection: Connection, handle: str, place: str, since: datetime) -> bool:
    """Whether somebody has signed in to that account, from that address, since that time (UTC)."""
    of = sign_ins.c
    wanted = select(literal(1)).where(
        succeeded, of.handle == handle, of.place == place, of.at > since
    )
    return connection.scalar(wanted.limit(1)) is not None


def printable(text: str | None) -> str | None:
    """The text, with placeholders for characters that databases refuse; a path may contain any."""
    return text if text is None or text.isprintable() else "?"


def page(
    connection: Connection,
    *,
    limit: int,
    cursor: str | None = None,
    handle: str | None = None,
    failed: bool = False,
    since: datetime | None = None,
) -> Page:
    """A page of the log, newest first; raises BadCursorError."""
    # Imported here: each action would load the paging library, and the ORM with it.
    from incidents.store import pages

    of = sign_ins.c
    wanted = select(*(each for each in of if each is not of.erased))
    if handle is not None:
        wanted = wanted.where(of.handle == handle)
    if failed:
        wanted = wanted.where(of.result != OK)
    if since is not None:
        wanted = wanted.where(of.at >= since)
    ordered = wanted.order_by(of.at.desc(), of.id.desc())
    return pages.page(connection, ordered, "sign-ins", limit=limit, cursor=cursor)


def counted(
    connection: Connection, *, limit: int, handle: str | None = None, since: datetime | None = None
) -> list[dict[str, Any]]:
    """The refusals that were counted, newest first."""
    of = refusals.c
    wanted = select(*(each for each in of if each is not of.erased))
    if handle is not None:
        wanted = wanted.where(of.handle == handle)
    if since is not None:
        wanted = wanted.where(of.last_at >= since)
    ordered = wanted.order_by(of.last_at.desc(), of.day.desc(), of.handle, of.login, of.act, of.why)
    return [dict(row) for row in connection.execute(ordered.limit(limit)).mappings()]


def erasable(connection: Connection, before: datetime, handle: str | None = None) -> int:
    """The number of rows before that time (UTC) that still name anybody, or only that account."""
    return sum(
        connection.scalar(
            select(func.count()).select_from(table).where(*_old(table, before, handle))
        )
        or 0
        for table in _PEOPLE
    )


def first(connection: Connection, handle: str) -> datetime | None:
    """When (UTC) the first row that still names anybody was written."""
    found = [
        connection.scalar(select(func.min(_at(table))).where(_names_person(table, handle)))
        for table in _PEOPLE
    ]
    return min((at for at in found if at is not None), default=None)


def erase(
    connection: Connection, before: datetime, pseudonym: Callable[[str], str],
    handle: str | None = None, *, most: int,
) -> int:  # fmt: skip
    """Replace people and addresses with pseudonyms in at most `most` rows; return the number.

    `pseudonym` gives a pseudonym for a text; the rest of the row stays. A row about another
    person's refused action loses only the account that it was about.
    """
    done = 0
    for table, columns in _PEOPLE.items():
        whole, about = _is_own(table, handle), _is_about(table, handle)
        found = select(table, whole.label("whole"), about.label("named"))
        old = found.where(*_old(table, before, handle)).limit(most - done)
        for row in connection.execute(old).mappings().all():
            names = [*(columns if row["whole"] else ()), *(["about"] if row["named"] else [])]
            erased: dict[str, Any] = {name: pseudonym(row[name]) for name in names if row[name]}
            erased |= {"erased": True} if row["whole"] else {}
            same = [column == row[column.name] for column in table.primary_key]
            connection.execute(update(table).where(*same).values(erased))
            done += 1
    return done


def _old(table: Table, before: datetime, handle: str | None) -> list[ColumnElement[bool]]:
    return [_names_person(table, handle), _at(table) < before]


def _at(table: Table) -> Any:
    return table.c.at if table is sign_ins else table.c.last_at


def _names_person(table: Table, handle: str | None) -> ColumnElement[bool]:
    """Whether a row still names any person, or only that account."""
    return or_(_is_own(table, handle), _is_about(table, handle))


def _is_own(table: Table, handle: str | None) -> ColumnElement[bool]:
    of = table.c
    if handle is None:
        named: ColumnElement[bool] = true()
    else:
        named = or_(of.handle == handle, *([of.by == handle] if table is sign_ins else []))
    return and_(of.erased.is_(False), named)


def _is_about(table: Table, handle: str | None) -> ColumnElement[bool]:
    """Whether a row is about an account, even if the row no longer names the account."""
    if table is sign_ins:
        return literal(False)
    about = table.c.about
    # It can also be about a site or an incident, which is no person.
    found = about.in_(select(accounts.c.handle)) if handle is None else about == handle
    return func.coalesce(found, False)
