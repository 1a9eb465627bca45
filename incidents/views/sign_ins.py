"""The sign-ins as people look at them: the sessions that hold, the log of who came in, and who was
not let do what."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from incidents.accounts.open_sessions import IDLE_FOR, SESSION_FOR
from incidents.clock import rfc3339
from incidents.store.accounts import sign_ins as stored
from incidents.store.accounts.sessions import Session

if TYPE_CHECKING:
    from incidents.contract.documents.accounts import OpenSession, Refused, SignIns


def session_document(session: Session, own: str | None = None) -> OpenSession:
    """One session; `current`: it is the one that is called `own`, whose person asks."""
    ends = min(session.made_at + SESSION_FOR, session.seen_at + IDLE_FOR)
    return {
        "id": session.id,
        "handle": session.account.handle,
        "how": session.how,
        "place": session.place,
        "made_at": rfc3339(session.made_at),
        "seen_at": rfc3339(session.seen_at),
        "ends_at": rfc3339(ends),
        "current": session.id == own,
    }


def sign_ins(
    connection: Connection,
    *,
    limit: int,
    cursor: str | None = None,
    handle: str | None = None,
    failed: bool = False,
    since: datetime | None = None,
) -> SignIns:
    """A page of the log, the newest first; raises BadCursorError."""
    whose = _kept(handle)
    page = stored.page(
        connection, limit=limit, cursor=cursor, handle=whose, failed=failed, since=since
    )
    items: list[Any] = [{**row, "at": rfc3339(row["at"])} for row in page.rows]
    for each in items:
        del each["id"]
    return {"items": items, "next": page.next}


def refusals(
    connection: Connection, *, limit: int, handle: str | None = None, since: datetime | None = None
) -> list[Refused]:
    """Who was not let do what, counted by the day (UTC), those with the newest first."""
    found = stored.counted(connection, limit=limit, handle=_kept(handle), since=since)
    moments = ("first_at", "last_at")
    told: list[Any] = [row | {name: rfc3339(row[name]) for name in moments} for row in found]
    return told


def _kept(handle: str | None) -> str | None:
    """The handle; in place of what no database takes a text that is nobody's."""
    return handle if handle is None or handle.isprintable() else "?"
