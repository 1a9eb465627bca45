"""The log's status: how many entries are pending, numbered and published, and who vouches for them.

Pending is what no checkpoint covers yet, numbered or not: of that nothing can be proved.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

from sqlalchemy import Connection

from incidents.audit.log.signing import AT_LEAST_EACH
from incidents.audit.log.witnesses import Witness
from incidents.clock import rfc3339
from incidents.store.record import checkpoints, leaves
from incidents.store.record.checkpoints import REFUSED, STAYS, Signed

if TYPE_CHECKING:
    from incidents.contract.documents.record import LogKey, LogProgress, Seen, SigningTrouble


LATE_AFTER = timedelta(minutes=1)
"""So long after it was recorded, an entry should be published: with a daemon it takes a second."""


def document(connection: Connection, now: datetime) -> LogProgress:
    """The status at `now` (UTC), for programs; times are RFC 3339."""
    last = checkpoints.last(connection)
    published = 0 if last is None else last.size
    head = leaves.head(connection)
    unnumbered, unsigned = leaves.unnumbered(connection), leaves.above(connection, published)
    since, key = _earlier(unnumbered.since, unsigned.since), checkpoints.active(connection)
    trouble, trouble_since = _trouble(connection)
    return {
        "pending": unnumbered.entries + unsigned.entries,
        "pending_since": None if since is None else rfc3339(since),
        "unnumbered": unnumbered.entries,
        "numbered": head.size,
        "published": published,
        "signed_at": None if last is None else rfc3339(last.signed_at),
        "key": key,
        "signs": key is not None and _signs(last, now, since),
        "witnesses": _witnesses(connection),
        "late": key is not None and since is not None and now - since > LATE_AFTER,
        "trouble": trouble,
        "trouble_since": trouble_since,
    }


def unsigned_since(connection: Connection, now: datetime) -> datetime | None:
    """Since when nothing is signed that should be, at `now` (UTC): a signing was refused; or
    entries have waited for more than a minute, and somebody failed, or a daemon signed before.

    Where a key is brought now and then nobody waits for it.
    """
    signs = checkpoints.signs(connection)
    if signs.how == REFUSED:
        return signs.since
    if signs.how is None or checkpoints.active(connection) is None:
        return None
    return waits_since(connection, now)


def waits_since(connection: Connection, now: datetime) -> datetime | None:
    """Since when an entry waits for a checkpoint, if that is longer than a minute at `now` (UTC):
    nobody signs then."""
    last = checkpoints.last(connection)
    since = leaves.oldest_above(connection, 0 if last is None else last.size)
    return since if since is not None and now - since > LATE_AFTER else None


def pending(connection: Connection) -> int:
    """How many entries no checkpoint covers yet, numbered or not."""
    last = checkpoints.last(connection)
    unsigned = leaves.above(connection, 0 if last is None else last.size)
    return leaves.unnumbered(connection).entries + unsigned.entries


def silent(status: LogProgress, witnesses: Iterable[Witness]) -> list[str]:
    """Those of the witnesses, which the settings name, that have signed nothing of this log."""
    signed = {each["witness"] for each in status["witnesses"]}
    return [each.key.name for each in witnesses if str(each.key) not in signed]


def keys(connection: Connection) -> list[LogKey]:
    """The log's keys as others check them, the one that signs first; times are RFC 3339."""
    newest_first = list(reversed(checkpoints.every_key(connection).values()))
    return [
        {"key": each.key, "since": rfc3339(each.made_at), "by": each.by, "signs": n == 0}
        for n, each in enumerate(newest_first)
    ]


def last_note(connection: Connection) -> str | None:
    """The last checkpoint's signed note, with the signatures of its witnesses; None without one."""
    last = checkpoints.last(connection)
    return None if last is None else note_of(connection, last)


def note_of(connection: Connection, signed: Signed) -> str:
    """A checkpoint's signed note, with the signatures of its witnesses below."""
    lines = [each.line for each in checkpoints.cosigned(connection, signed.id)]
    return signed.note + "".join(f"{line}\n" for line in lines)


def _trouble(connection: Connection) -> tuple[SigningTrouble | None, str | None]:
    """Whether somebody tried to sign since the last checkpoint, in vain, and since when."""
    signs = checkpoints.signs(connection)
    if signs.since is None or signs.how == STAYS:
        return None, None
    return cast("SigningTrouble", signs.how), rfc3339(signs.since)


def _earlier(*times: datetime | None) -> datetime | None:
    return min((time for time in times if time is not None), default=None)


def _signs(last: Signed | None, now: datetime, pending_since: datetime | None) -> bool:
    """Whether somebody does what a daemon with the key does: it signs each hour, and what is new
    within a minute."""
    if last is None or now - last.signed_at > AT_LEAST_EACH + LATE_AFTER:
        return False
    return pending_since is None or now - pending_since <= LATE_AFTER


def _witnesses(connection: Connection) -> list[Seen]:
    found: list[Seen] = []
    for witness in checkpoints.witnesses(connection):
        last = checkpoints.last_cosigned(connection, witness)
        if last is not None:
            signed, cosigned = last
            found.append({"witness": witness, "size": signed.size, "at": rfc3339(cosigned.at)})
    return found
