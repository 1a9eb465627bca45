"""The archive's parts: which there are, and each opened for reading.

Opening a part checks its size, its header, and once in a process its digest.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from threading import Lock, local
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, select, type_coerce
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.types import NullType

from incidents.errors import Cause, DatabaseError
from incidents.store.archive.part import (
    VERSION,
    Part,
    PartAlteredError,
    PartDeniedError,
    PartMissingError,
)
from incidents.store.schema.log_tables import archive_parts
from incidents.store.schema.types import UTCDateTime

OPTION = "incidents_archive"
FIRST_REVISION_WITH_PARTS = "0019"
"""Programs of older revisions would read a shorter history."""


class Archive:
    """The folder of one database's parts, and the connections to them.

    `folder`: finds the folder; called when the first part is opened.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._find = folder
        self._wanted = local()
        self._lock = Lock()
        # A part never changes, so what is known of it stays true.
        self._idle: OrderedDict[tuple[str, _Version], list[_Kept]] = OrderedDict()
        self._seen: dict[str, _Version] = {}
        self._sound: dict[str, _Version] = {}
        self._known: WeakKeyDictionary[Any, tuple[Part, ...]] = WeakKeyDictionary()
        self._listed: tuple[Sequence[Any], tuple[Part, ...]] = ((), ())

    @cached_property
    def _engine(self) -> Engine:
        # One engine for all files, so that each statement is compiled once. The files that were
        # read last stay open (see `_Kept`).
        made = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)
        event.listen(made, "handle_error", self._explain)
        return made

    @cached_property
    def folder(self) -> Path:
        """The folder of the parts."""
        return self._find()

    def parts(self, connection: Connection) -> tuple[Part, ...]:
        """All parts that this transaction sees, in the order of their leaves."""
        transaction = connection.get_transaction()
        known = None if transaction is None else self._known.get(transaction)
        if known is None:
            known = self._read(connection)
            if transaction is not None and sees_one_state(connection):
                self._known[transaction] = known
        return known

    def _read(self, connection: Connection) -> tuple[Part, ...]:
        """Each transaction reads them, and they are mostly those that are known."""
        rows = connection.execute(_ALL).all()
        before, known = self._listed
        if rows != before:
            moment = UTCDateTime().from_database(connection.dialect)
            known = tuple(_part(row, moment) for row in rows)
            self._listed = rows, known
        return known

    @contextmanager
    def opened(self, part: Part) -> Iterator[Connection]:
        """Open a part for reading.

        Raises:
            PartMissingError: if there is no such file, or it cannot be read.
            PartAlteredError: if its size, its SHA-256 or its header is another, or it is damaged;
                also later, by a statement.
        """
        self.check(part)
        if _reads_digest.get():
            self._check_digest(part)
        self._wanted.name = part.file
        try:
            connection = self._engine.connect()
        except (DBAPIError, sqlite3.Error) as error:
            raise self._unopened(part, error) from error
        with connection:
            own: Any = connection.connection.driver_connection
            if own.header != (VERSION, part.first, part.end, part.last_id):
                raise self.altered(part, Cause.of("part_header", "its header is another"))
            connection.info[_PART] = part
            yield connection

    def _explain(self, context: ExceptionContext) -> PartAlteredError | None:
        # An error of the database itself, which is read beside the part, never comes here.
        error, connection = context.original_exception, context.connection
        if connection is None or not isinstance(error, sqlite3.Error):
            return None
        return self.explained(connection, error)

    def explained(self, connection: Connection, error: sqlite3.Error) -> PartAlteredError | None:
        """What an error of reading the part means; None if the connection is not to a part."""
        part = connection.info.get(_PART)
        return None if part is None else self.altered(part, str(error))

    def check(self, part: Part) -> None:
        """Check that the file is there with its size; raises the errors of `opened`."""
        try:
            seen = (self.folder / part.file).stat()
        except OSError as error:
            raise self._missing(part, error) from error
        if seen.st_size != part.size:
            what = "it has {size} bytes, not {right}"
            wrong = Cause.of("part_size", what, size=seen.st_size, right=part.size)
            raise self.altered(part, wrong)
        version = seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns
        if self._seen.setdefault(part.file, version) != version:
            # Somebody has put another file there.
            self.close()
            self._seen[part.file] = version

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for kept in chain.from_iterable(self._idle.values()):
                kept.end()
            self._idle.clear()

    def check_readable(self, part: Part) -> None:
        """As `check`, and that this user may read the file."""
        self.check(part)
        try:
            (self.folder / part.file).open("rb").close()
        except OSError as error:
            raise self._missing(part, error) from error

    def _unopened(self, part: Part, error: DBAPIError | sqlite3.Error) -> DatabaseError:
        try:
            self.check_readable(part)
        except (PartMissingError, PartAlteredError) as found:
            return found
        return self.altered(part, str(error.orig if isinstance(error, DBAPIError) else error))

    def _missing(self, part: Part, error: OSError) -> PartMissingError:
        kind = PartDeniedError if isinstance(error, PermissionError) else PartMissingError
        return kind(
            file=self.folder / part.file, why=error.strerror or str(error), first=part.first,
            last=part.end - 1, folder=self.folder,
        )  # fmt: skip

    def altered(self, part: Part, why: str) -> PartAlteredError:
        """The error of a part that is not the file that was made."""
        return PartAlteredError(
            file=self.folder / part.file, why=why, first=part.first, last=part.end - 1,
            digest=part.digest,
        )  # fmt: skip

    def _check_digest(self, part: Part) -> None:
        """Read the whole file, unless this process has done so and nobody has changed it since."""
        version = self._seen[part.file]
        if self._sound.get(part.file) == version:
            return
        try:
            with (self.folder / part.file).open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise self._missing(part, error) from error
        if digest != part.digest:
            what = "its SHA-256 is {found}"
            raise self.altered(part, Cause.of("part_digest", what, found=digest))
        self._sound[part.file] = version

    def _connect(self) -> sqlite3.Connection:
        name: str = self._wanted.name
        with self._lock:
            key = name, self._seen[name]
            idle = self._idle.get(key)
            if idle:
                return idle.pop()
        made = _opened(self.folder / name)
        assert isinstance(made, _Kept)
        made.header = _header(made)
        made.keep = partial(self._keep, key)
        return made

    def _keep(self, key: tuple[str, _Version], raw: _Kept) -> None:
        """Keep it for the next use of this very file, which another may have replaced meanwhile."""
        with self._lock:
            self._idle.setdefault(key, []).append(raw)
            self._idle.move_to_end(key)
            while sum(map(len, self._idle.values())) > _MOST_IDLE:
                _, old = self._idle.popitem(last=False)
                for each in old:
                    each.end()


class _Kept(sqlite3.Connection):
    """A connection that stays open when it is closed, for the next use; `header`: the part's."""

    keep: Callable[[_Kept], None] | None = None
    header: tuple[int, ...] | None = None

    def close(self) -> None:
        """Give it back."""
        if self.keep is None:
            self.end()
        else:
            self.keep(self)

    def end(self) -> None:
        """Really close it."""
        super().close()


@contextmanager
def without_digests() -> Iterator[None]:
    """Open parts without reading their digests, for verification, which hashes each entry."""
    token = _reads_digest.set(False)
    try:
        yield
    finally:
        _reads_digest.reset(token)


def archive_of(connection: Connection) -> Archive:
    """The archive of the connection's database."""
    found: Archive = connection.get_execution_options()[OPTION]
    return found


def listed(connection: Connection) -> tuple[Part, ...]:
    """All parts that this transaction sees, in the order of their leaves."""
    return archive_of(connection).parts(connection)


def check_all(connection: Connection) -> None:
    """Check that every part can be read, with its size; raises the errors of `Archive.opened`."""
    archive = archive_of(connection)
    for part in archive.parts(connection):
        archive.check_readable(part)


def missing(connection: Connection) -> list[Part]:
    """The parts whose file is not there, may not be read, or has another size."""
    archive, found = archive_of(connection), list[Part]()
    for part in archive.parts(connection):
        try:
            archive.check_readable(part)
        except (PartMissingError, PartAlteredError):
            found.append(part)
    return found


def sees_one_state(connection: Connection) -> bool:
    """Whether all statements of this transaction see the same state of the database."""
    if connection.dialect.name == "sqlite":
        return True
    return connection.get_execution_options().get("isolation_level") == "REPEATABLE READ"


def _opened(file: Path) -> _Kept:
    return sqlite3.connect(
        f"file:{quote(str(file.absolute()))}?mode=ro&immutable=1", uri=True,
        check_same_thread=False, isolation_level=None, factory=_Kept,
    )  # fmt: skip


def _header(raw: Any) -> tuple[int, ...] | None:
    found: tuple[int, ...] | None = raw.execute(
        "SELECT version, first_leaf, end_leaf, last_id FROM part"
    ).fetchone()
    return found


def _part(row: Any, moment: Callable[[Any], datetime] | None) -> Part:
    part = Part(*row)
    if moment is None:
        return part
    since, until, made_at = map(moment, (part.since, part.until, part.made_at))
    return part._replace(since=since, until=until, made_at=made_at)


# As stored, so that what has not changed is not converted again.
_ALL = select(*(type_coerce(column, NullType()) for column in archive_parts.c)).order_by(
    archive_parts.c.first_leaf
)
_Version = tuple[int, int, int]
_reads_digest = ContextVar("reads_digest", default=True)
_PART = "incidents_part"
_MOST_IDLE = 64
