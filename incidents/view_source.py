"""The source of views: the replica, if there is one that may be read, else the primary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from incidents.store.database.replica import Replica

Result = TypeVar("Result")


class ViewSource:
    """Where a process reads what people look at.

    `primary` opens the database, with this program's schema. `has_fitting_replica`: whether the
    replica was found to have the same schema.
    """

    def __init__(self, primary: Callable[[], Engine], replica: Replica | None) -> None:
        self._primary, self._replica = primary, replica
        self.has_fitting_replica = False

    @contextmanager
    def reading(self, *, latest: bool, after: int = 0) -> Iterator[Connection]:
        """Open a transaction that reads one state; for the parameters see `Replica.open`.

        Raises:
            ReplicaReadError: if the replica fails meanwhile: then the primary can still be read.
        """
        from incidents.store.database import engine as engines

        replica, opened = self._replica, self._opened(latest=latest, after=after)
        if replica is None or opened is None:
            engine = self._primary()
            with engines.plainly(engine), engines.reading(engine) as connection:
                yield connection
            if replica is not None:
                replica.primary.note_write()
            return
        with engines.plainly(replica.engine), replica.reading(opened) as connection:
            yield connection

    def run(self, look: Callable[[Engine], Result]) -> Result:
        """Run a long read of the latest state, in as many connections of the engine as it takes.

        If the replica fails meanwhile, the read runs again on the primary.
        """
        from incidents.audit.pool import WorkerLostError
        from incidents.errors import DatabaseError
        from incidents.store.archive.part import PartAlteredError, PartMissingError
        from incidents.store.database.replica import SHOWN

        replica, opened = self._replica, self._opened(latest=True)
        if replica is None or opened is None:
            return look(self._primary())
        lsn = opened.info[SHOWN].lsn
        opened.close()
        try:
            with replica.insisting(lsn) as engine:
                return look(engine)
        except (PartMissingError, PartAlteredError):
            # The replica is not to blame, and the primary has the same archive.
            raise
        except (DatabaseError, WorkerLostError) as error:
            replica.note_failure(error.message)
        return look(self._primary())

    def _opened(self, *, latest: bool, after: int = 0) -> Connection | None:
        """Check out a connection to the replica, whose schema is checked the first time.

        After an upgrade of the primary it may still have the older one.
        """
        replica = self._replica
        opened = None if replica is None else replica.open(latest=latest, after=after)
        if replica is None or opened is None or self.has_fitting_replica:
            return opened
        from incidents.errors import DatabaseError
        from incidents.store.database import schema

        opened.close()
        try:
            schema.check(replica.engine)
        except DatabaseError as error:
            replica.note_unfit(error.message)
            return None
        self.has_fitting_replica = True
        return replica.open(latest=latest, after=after)
