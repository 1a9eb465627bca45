"""The checkpointing: all that there is, numbered and signed now because somebody asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from incidents.audit.log import loss, sequencer, signed_files, signers_lock, signing, status
from incidents.audit.log.signing_key import KeyRing
from incidents.store.database.engine import plainly, reading
from incidents.store.record import checkpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpointed:
    """The last checkpoint's signed note, None if there is none; how many entries it leaves out, and
    why this process could not sign, if it could not."""

    note: str | None
    pending: int
    unable: str | None


def checkpointed(engine: Engine, ring: KeyRing, clock: Callable[[], datetime]) -> Checkpointed:
    """Numbers and signs what there is, by the machine's clock in UTC.

    Raises:
        InconsistentLogError, LossKnownError: if the log is not what was signed before, or nobody
            can tell, also where nothing is to be signed.
        SigningKeyError: if the key cannot be used.
        DatabaseError, FileError: when the database or the disk does not do its part.
    """
    sequencer.number_all(engine)
    files = signed_files.known(ring.file)
    with plainly(engine), reading(engine) as connection:
        place = checkpoints.signed_beside(connection)
    if place in (None, signers_lock.place_id(ring.file)):
        # What is compared has to be there, whichever key has signed it.
        files.whole()
    done = signing.sign(engine, ring, clock(), at_once=True)
    with plainly(engine), reading(engine) as connection:
        lost = None if done.made else loss.known(connection, files)
        if lost is not None:
            lost.refuse()
        return Checkpointed(
            note=status.last_note(connection),
            pending=status.pending(connection),
            unable=done.unable,
        )
