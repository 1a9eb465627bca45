"""The witnessing: has the last checkpoint countersigned, and keeps what a witness has signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from incidents.audit import stored_tree, witnesses
from incidents.audit.witnesses import Witness
from incidents.store import checkpoints
from incidents.store.checkpoints import Cosigned
from incidents.store.engine import plainly, reading, writing
from incidents.tlog import cosignature

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ask(engine: Engine, witness: Witness) -> Cosigned | None:
    """Has the last checkpoint countersigned, which was committed before; outside any transaction.

    Returns:
        What it has signed; None if there is nothing that it has not signed already.

    Raises:
        SplitViewError: if it has seen another log of this name. Somebody must look into it.
        WitnessError: if it is away, or will not; it can be asked again later.
        DatabaseError: when the database does not do its part.
    """
    name = str(witness.key)
    with plainly(engine), reading(engine) as connection:
        last = checkpoints.last(connection)
        before = checkpoints.last_cosigned(connection, name)
    if last is None or last.size == 0:
        return None
    seen = 0
    if before is not None:
        signed, _ = before
        if signed.id == last.id:
            return None
        seen = signed.size
    line = witnesses.cosigned(
        witness,
        last.note.encode(),
        lambda old: stored_tree.consistency(engine, old, last.size),
        seen=seen,
    )
    new = Cosigned(last.id, name, str(line), _time(cosignature.time_of(line)))
    with plainly(engine), writing(engine) as connection:
        checkpoints.cosign(connection, new)
    return new


def _time(seconds: int) -> datetime:
    """A witness may write any time; what no calendar holds is the calendar's end."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(microsecond=0, tzinfo=UTC)
