"""Queries of checkpoints and log keys: what was signed, by which keys, and who witnessed it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, insert, or_, select, update

from incidents.store.schema.log_tables import checkpoints, cosignatures, log_head, log_keys, stamps

# "checkpts" in ASCII: an advisory lock has a number, not a name.
_LOCK = 0x636865636B707473

STAYS, REFUSED, FAILED = "stays", "refused", "failed"


class Signed(NamedTuple):
    """A checkpoint: size and root (32 bytes) of the tree, the signed note, the key (C2SP
    signed-note) that signed it, and when (UTC)."""

    id: int
    size: int
    root: bytes
    note: str
    key: str
    signed_at: datetime


class Cosigned(NamedTuple):
    """A witness's signature of a checkpoint: its key, the line to be put below the note, when
    (UTC)."""

    checkpoint: int
    witness: str
    line: str
    at: datetime


class Stamped(NamedTuple):
    """A time stamp of a checkpoint (RFC 3161): whose, its response, when (UTC)."""

    checkpoint: int
    authority: str
    response: bytes
    at: datetime


def last(connection: Connection) -> Signed | None:
    """The newest one."""
    row = connection.execute(_all().order_by(checkpoints.c.id.desc()).limit(1)).first()
    return None if row is None else Signed(*row)


def every(connection: Connection) -> Iterator[Signed]:
    """All of them, the oldest first."""
    for row in connection.execute(_all().order_by(checkpoints.c.id)):
        yield Signed(*row)


def signed_beside(connection: Connection) -> str | None:
    """The id of the place where the log is signed; None before the first checkpoint."""
    place: str | None = connection.scalar(select(log_head.c.signed_beside))
    return place


class Signs(NamedTuple):
    """How the log is signed, as far as is known: `STAYS`, a daemon that runs has signed last;
    `REFUSED` or `FAILED`, somebody tried since then, in vain for the first time at `since` (UTC).
    None: now and then, or nobody did yet."""

    how: str | None
    since: datetime | None


def signs(connection: Connection) -> Signs:
    """How the log is signed."""
    row = connection.execute(select(log_head.c.signing, log_head.c.signing_since)).first()
    return Signs(None, None) if row is None else Signs(*row)


def note_trouble(connection: Connection, how: str, now: datetime) -> None:
    """Keeps that a signing was refused, or has failed, at `now` (UTC)."""
    of = log_head.c
    other = or_(of.signing.is_(None), of.signing != how)
    connection.execute(update(log_head).where(other).values(signing=how, signing_since=now))


def note_end_of_trouble(connection: Connection) -> None:
    """Keeps that whoever failed, or was refused, is no more, though nothing was to be signed."""
    wrong = log_head.c.signing.in_([FAILED, REFUSED])
    connection.execute(update(log_head).where(wrong).values(signing=STAYS, signing_since=None))


def add(
    connection: Connection, new: Signed, *, after: int | None, beside: str, stays: bool = False
) -> bool:
    """Keeps a new one, whose `id` says nothing, if the newest is still the one called `after`; it
    stands in the files of the place known as `beside`, too. `stays`: whoever signs is a daemon.

    Returns:
        Whether it was: else somebody else was first, and it was not compared with what they signed.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    newest = connection.scalar(select(func.max(checkpoints.c.id)))
    if newest != after:
        return False
    row = new._asdict()
    del row["id"]
    connection.execute(insert(checkpoints).values(row))
    head = {"signed_beside": beside, "signing": STAYS if stays else None, "signing_since": None}
    # It is the row that is numbered with: it is written only where it changes.
    changes = [log_head.c[name].is_distinct_from(value) for name, value in head.items()]
    connection.execute(update(log_head).where(or_(*changes)).values(head))
    return True


def cosigned(connection: Connection, checkpoint: int) -> list[Cosigned]:
    """The witnesses' signatures of that checkpoint."""
    wanted = select(*(cosignatures.c[name] for name in Cosigned._fields))
    rows = connection.execute(
        wanted.where(cosignatures.c.checkpoint == checkpoint).order_by(cosignatures.c.witness)
    )
    return [Cosigned(*row) for row in rows]


def last_cosigned(connection: Connection, witness: str) -> tuple[Signed, Cosigned] | None:
    """The newest checkpoint that this witness (its key) has signed, and its signature."""
    wanted = (
        select(*_COLUMNS, *(cosignatures.c[name] for name in Cosigned._fields))
        .join(cosignatures, cosignatures.c.checkpoint == checkpoints.c.id)
        .where(cosignatures.c.witness == witness)
        .order_by(checkpoints.c.id.desc())
        .limit(1)
    )
    row = connection.execute(wanted).first()
    if row is None:
        return None
    parted = len(Signed._fields)
    return Signed(*row[:parted]), Cosigned(*row[parted:])


def witnesses(connection: Connection) -> list[str]:
    """The keys of all witnesses that have signed something."""
    return list(
        connection.scalars(
            select(cosignatures.c.witness).distinct().order_by(cosignatures.c.witness)
        )
    )


def cosign(connection: Connection, new: Cosigned) -> None:
    """Keeps a witness's signature."""
    from incidents.store.statement import insert_missing

    connection.execute(insert_missing(connection, cosignatures), [new._asdict()])


def last_stamped(connection: Connection) -> Stamped | None:
    """The newest time stamp."""
    wanted = select(*(stamps.c[name] for name in Stamped._fields))
    row = connection.execute(wanted.order_by(stamps.c.checkpoint.desc()).limit(1)).first()
    return None if row is None else Stamped(*row)


def stamp(connection: Connection, new: Stamped) -> None:
    """Keeps a time stamp."""
    from incidents.store.statement import insert_missing

    connection.execute(insert_missing(connection, stamps), [new._asdict()])


_COLUMNS = [checkpoints.c[name] for name in Signed._fields]


def _all() -> Select[Any]:
    return select(*_COLUMNS)


class Key(NamedTuple):
    """A key (C2SP signed-note), its entry in the desk's own stream, since when (UTC), by whom."""

    key: str
    seq: int
    made_at: datetime
    by: str


def active(connection: Connection) -> str | None:
    """The key that signs now; None before the first."""
    newest = select(log_keys.c.key).order_by(log_keys.c.seq.desc()).limit(1)
    found: str | None = connection.scalar(newest)
    return found


def every_key(connection: Connection) -> dict[str, Key]:
    """All keys by themselves, the oldest first."""
    rows = connection.execute(select(log_keys).order_by(log_keys.c.seq))
    return {row.key: Key(row.key, row.seq, row.made_at, row.by) for row in rows}


def add_key(connection: Connection, new: Key) -> None:
    """Keeps a key, which signs from now on."""
    connection.execute(insert(log_keys).values(new._asdict()))
