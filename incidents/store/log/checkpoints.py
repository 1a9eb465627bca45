"""Queries for checkpoints and log keys: sizes, roots, signing keys and witnesses."""

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
    """A checkpoint: the size and root (32 bytes) of the tree, and its signed note.

    `key` (C2SP signed-note) signed the checkpoint, at `at` (UTC).
    """

    id: int
    size: int
    root: bytes
    note: str
    key: str
    signed_at: datetime


class Cosigned(NamedTuple):
    """A witness's signature on a checkpoint: the key, its line in the note, and the time (UTC)."""

    checkpoint: int
    witness: str
    line: str
    at: datetime


class Stamped(NamedTuple):
    """A timestamp for a checkpoint (RFC 3161): the authority, its response, and the time (UTC)."""

    checkpoint: int
    authority: str
    response: bytes
    at: datetime


def last(connection: Connection) -> Signed | None:
    """The newest checkpoint."""
    row = connection.execute(_all().order_by(checkpoints.c.id.desc()).limit(1)).first()
    return None if row is None else Signed(*row)


def every(connection: Connection) -> Iterator[Signed]:
    """All checkpoints, oldest first."""
    for row in connection.execute(_all().order_by(checkpoints.c.id)):
        yield Signed(*row)


def signing_place(connection: Connection) -> str | None:
    """The id of the folder of signed files in use; None before the first checkpoint."""
    place: str | None = connection.scalar(select(log_head.c.signed_beside))
    return place


class SigningState(NamedTuple):
    """The known state of the log's signing.

    `STAYS`: a running daemon signed last. `REFUSED`, `FAILED`: all attempts since `since` (UTC)
    were refused, or failed. None: the log is signed only occasionally, or was never signed.
    """

    how: str | None
    since: datetime | None


def signing_state(connection: Connection) -> SigningState:
    """The state of the log's signing."""
    row = connection.execute(select(log_head.c.signing, log_head.c.signing_since)).first()
    return SigningState(None, None) if row is None else SigningState(*row)


def record_signing_failure(connection: Connection, how: str, now: datetime) -> None:
    """Record that a signing was refused or failed at `now` (UTC)."""
    of = log_head.c
    other = or_(of.signing.is_(None), of.signing != how)
    connection.execute(update(log_head).where(other).values(signing=how, signing_since=now))


def record_signing_recovery(connection: Connection) -> None:
    """Record that signing works again, although there was nothing to sign."""
    wrong = log_head.c.signing.in_([FAILED, REFUSED])
    connection.execute(update(log_head).where(wrong).values(signing=STAYS, signing_since=None))


def add(
    connection: Connection, new: Signed, *, after: int | None, place: str, is_daemon: bool = False
) -> bool:
    """Add a checkpoint, whose `id` is ignored, if `after` is still the id of the newest one.

    `place`: the id of the folder whose files also have the checkpoint. `is_daemon`: a daemon signs.

    Returns:
        False if another checkpoint came first, with which this one was not compared.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    newest = connection.scalar(select(func.max(checkpoints.c.id)))
    if newest != after:
        return False
    row = new._asdict()
    del row["id"]
    connection.execute(insert(checkpoints).values(row))
    head = {"signed_beside": place, "signing": STAYS if is_daemon else None, "signing_since": None}
    # The numbering uses the same row, so it is written only if it changes.
    changes = [log_head.c[name].is_distinct_from(value) for name, value in head.items()]
    connection.execute(update(log_head).where(or_(*changes)).values(head))
    return True


def cosigned(connection: Connection, checkpoint: int) -> list[Cosigned]:
    """The witnesses' signatures on that checkpoint."""
    wanted = select(*(cosignatures.c[name] for name in Cosigned._fields))
    rows = connection.execute(
        wanted.where(cosignatures.c.checkpoint == checkpoint).order_by(cosignatures.c.witness)
    )
    return [Cosigned(*row) for row in rows]


def last_cosigned(connection: Connection, witness: str) -> tuple[Signed, Cosigned] | None:
    """The newest checkpoint that the witness with this key has signed, and its signature."""
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
    """The keys of all witnesses that have signed a checkpoint."""
    return list(
        connection.scalars(
            select(cosignatures.c.witness).distinct().order_by(cosignatures.c.witness)
        )
    )


def cosign(connection: Connection, new: Cosigned) -> None:
    """Add a witness's signature."""
    from incidents.store.statement import insert_missing

    connection.execute(insert_missing(connection, cosignatures), [new._asdict()])


def last_stamped(connection: Connection) -> Stamped | None:
    """The newest timestamp."""
    wanted = select(*(stamps.c[name] for name in Stamped._fields))
    row = connection.execute(wanted.order_by(stamps.c.checkpoint.desc()).limit(1)).first()
    return None if row is None else Stamped(*row)


def stamp(connection: Connection, new: Stamped) -> None:
    """Add a timestamp."""
    from incidents.store.statement import insert_missing

    connection.execute(insert_missing(connection, stamps), [new._asdict()])


_COLUMNS = [checkpoints.c[name] for name in Signed._fields]


def _all() -> Select[Any]:
    return select(*_COLUMNS)


class Key(NamedTuple):
    """A key (C2SP signed-note), with its entry in the desk's own stream, time (UTC) and person."""

    key: str
    seq: int
    made_at: datetime
    by: str


def active(connection: Connection) -> str | None:
    """The signing key; None before the first key."""
    newest = select(log_keys.c.key).order_by(log_keys.c.seq.desc()).limit(1)
    found: str | None = connection.scalar(newest)
    return found


def every_key(connection: Connection) -> dict[str, Key]:
    """All keys, by their text, oldest first."""
    rows = connection.execute(select(log_keys).order_by(log_keys.c.seq))
    return {row.key: Key(row.key, row.seq, row.made_at, row.by) for row in rows}


def add_key(connection: Connection, new: Key) -> None:
    """Add a key, which becomes the signing key."""
    connection.execute(insert(log_keys).values(new._asdict()))
