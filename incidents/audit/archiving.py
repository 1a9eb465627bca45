"""The archiving: old entries, with their orders and tiles, move from the database into parts.

Each part is written and read back beside the running desk. One short transaction then adds the
part and deletes its rows, so every reader finds each entry in exactly one place, also after a
crash: a file without its row in `archive_parts` counts for nothing, and the next run with the same
size of parts replaces it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    text,
)

from incidents.audit import archive_plan
from incidents.audit.archive_plan import ENTRIES, End, Planned
from incidents.audit.facts import Flaw
from incidents.audit.pool import Progress
from incidents.audit.proof import leaf_check, signed_check
from incidents.audit.proof.live_log import LiveLog
from incidents.clock import rfc3339
from incidents.errors import Cause, DatabaseError, VerificationError
from incidents.settings import archive as archive_settings
from incidents.store.archive import part_file, parts, whole
from incidents.store.archive.part import Part
from incidents.store.archive.part_file import Bounds
from incidents.store.database import migration
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.log import checkpoints
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.log_tables import (
    archive_parts,
    archived_sites,
    leaves,
    orders,
    tiles,
)
from incidents.system import disk
from incidents.tlog import note
from incidents.tlog.tree import HASH_BYTES, WIDTH

if TYPE_CHECKING:
    from incidents.contract.documents.record import ArchivedPart

# In the folder of the parts: held while a run writes there.
_LOCK_FILE = ".lock"
# "archive" in ASCII: an advisory lock has a number, not a name.
_LOCK = 0x61726368697665


class NotOwnerError(DatabaseError):
    """this database role may not delete entries: archive as the owner of the tables, the role that
    upgrades the schema"""


class NoArchiveFolderError(DatabaseError):
    """set [archive] folder first: every process that reads a database on a server needs the parts.
    Name one folder in all settings files, and share it between machines"""


class NotArchivableError(VerificationError):
    """the entries {first} to {last} of the log are not archived, because they do not verify:
    {where}: {what}. Verify the log"""


class PartChangedError(DatabaseError):
    """the file {file} does not hold the rows of the table {table}: is the disk sound? Nothing was
    deleted; run the command again"""


class OutdatedPartError(DatabaseError):
    """another run has archived the entries {first} to {last} of the log, or they have changed since
    they were copied: nothing was deleted; run the command again"""


class AlreadyArchivingError(DatabaseError):
    """another run is archiving into the folder {folder}: wait until it ends. Nothing was changed"""


@dataclass(frozen=True, slots=True)
class Made:
    """A part that was made."""

    part: Part

    @property
    def file(self) -> str:
        """The name of the part's file."""
        return self.part.file

    def document(self) -> ArchivedPart:
        """The part as JSON."""
        part = self.part
        return {
            "first": part.first, "end": part.end, "since": rfc3339(part.since),
            "until": rfc3339(part.until), "file": part.file, "size": part.size,
            "digest": part.digest,
        }  # fmt: skip


def archive(
    engine: Engine,
    cutoff: datetime,
    now: Callable[[], datetime],
    *,
    many: int = ENTRIES,
    done: Progress = lambda _: None,
) -> Iterator[Made | End]:
    """Archive all entries recorded before `cutoff` (UTC): yield each part, and why it ends.

    Raises:
        NotOwnerError: on PostgreSQL, if the role may not delete.
        NoArchiveFolderError: on PostgreSQL, if the settings name no folder.
        PartMissingError, PartAlteredError: if an earlier part is not there.
        NotArchivableError: if what would be archived does not verify.
        AlreadyArchivingError: if another run writes into the folder.
        PartChangedError: if a file has other rows than the database.
        FileError: if a file cannot be written.
    """
    with plainly(engine), ExitStack() as held:
        _check_owner(engine)
        _check_folder(engine)
        alone = False
        while True:
            with reading(engine) as connection:
                first = whole.archived(connection)
                found = archive_plan.plan(connection, cutoff, many, first)
                if isinstance(found, End):
                    yield found
                    return
                if not alone:
                    # Another folder would split the record.
                    parts.check_all(connection)
                    # Only a run that writes needs the folder.
                    held.enter_context(_alone(parts.archive_of(connection).folder))
                alone = True
                _verify(connection, found.bounds, done)
                part = _write(connection, found, now())
            # The rows of a part are deleted at once, which a slow disk takes long for.
            with writing(engine, limit_s=None) as connection:
                part = _move(connection, part)
            yield Made(part)


def _check_owner(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        return
    with reading(engine) as connection:
        asked = text(
            "SELECT bool_and(has_table_privilege(name, 'DELETE'))"
            " FROM unnest(CAST(:names AS text[])) AS name"
        )
        names = [table.name for table in (entries, leaves, orders, tiles)]
        if not connection.scalar(asked, {"names": names}):
            raise NotOwnerError


def _check_folder(engine: Engine) -> None:
    # The default is in the data folder of this user, where nobody else looks.
    if engine.dialect.name != "sqlite" and not archive_settings.names_folder():
        raise NoArchiveFolderError


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two runs would write the same unfinished file."""
    lock = folder / _LOCK_FILE
    with ExitStack() as held:
        with disk.file_errors(lock, "written"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                held.enter_context(disk.locked(lock, 0, disk.owner_beside(lock)))
            except BlockingIOError as error:
                raise AlreadyArchivingError(folder=folder) from error
        yield


def _verify(connection: Connection, bounds: Bounds, done: Progress) -> None:
    """Hash all entries again, up to the root of the last checkpoint."""
    log = LiveLog(connection)
    seen = leaf_check.check_range(log, done, bounds.first, bounds.end)
    flaws = seen.flaws + list(_parents_flaws(log, bounds, seen.roots))
    signed = checkpoints.last(connection)
    assert signed is not None, "it covers the part"
    covering = note.checkpoint_of(signed.note.encode())
    root = signed_check.Roots(log, log.size).wrong(covering, f"checkpoints {signed.id}")
    wrong = [*flaws, *([] if root is None else [root])]
    if wrong:
        raise NotArchivableError(
            first=bounds.first, last=bounds.end - 1, where=wrong[0].where, what=wrong[0].what
        )


def _parents_flaws(log: LiveLog, bounds: Bounds, roots: bytes) -> Iterator[Flaw]:
    """Compare the roots of the lowest tiles with the tiles above them."""
    for at, n in enumerate(range(bounds.first // WIDTH, bounds.end // WIDTH)):
        above = log.tile(1, n // WIDTH) or b""
        place = n % WIDTH * HASH_BYTES
        if above[place : place + HASH_BYTES] != roots[at * HASH_BYTES : (at + 1) * HASH_BYTES]:
            what = Cause.of("flaw_not_there", "it is not there")
            yield Flaw(part="tree", where=f"tiles 1-{n // WIDTH}", what=what)


def _write(connection: Connection, found: Planned, now: datetime) -> Part:
    """Write the file, read it back, and give it its name."""
    bounds = found.bounds
    folder = parts.archive_of(connection).folder
    unfinished = folder / f".part-{bounds.first:012}.new"
    with disk.file_errors(unfinished, "written"):
        try:
            part_file.write(connection, unfinished, bounds)
            table = part_file.differs(connection, unfinished, bounds)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
        if table is not None:
            raise PartChangedError(file=unfinished, table=table)
        digest, size = part_file.digest_of(unfinished)
        name = bounds.file(digest)
        part_file.give_name(unfinished, folder / name)
    return Part(*bounds, found.since, found.until, name, size, digest, now)


def _move(connection: Connection, part: Part) -> Part:
    """Add the part with its sites, and delete its rows."""
    if connection.dialect.name != "sqlite":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    bounds = Bounds(part.first, part.end, part.last_id)
    if (
        whole.archived(connection) != part.first
        or archive_plan.unsettled(connection, bounds) is not None
    ):
        raise OutdatedPartError(first=part.first, last=part.end - 1)
    conditions = part_file.conditions(bounds)
    own = select(entries.c.site_id, literal(part.first)).where(conditions[entries]).distinct()
    connection.execute(insert(archived_sites).from_select(["site_id", "first_leaf"], own))
    added = archived_sites.c.first_leaf == part.first
    count = select(func.count()).select_from(archived_sites).where(added)
    part = part._replace(sites=connection.scalar(count))
    connection.execute(insert(archive_parts).values(dict(zip(_COLUMNS, part, strict=True))))
    migration.record_oldest_with_parts(connection)
    deleted = {table: _delete(connection, table, where) for table, where in conditions.items()}
    if {deleted[tiles] * WIDTH, deleted[leaves], deleted[entries]} != {part.end - part.first}:
        raise OutdatedPartError(first=part.first, last=part.end - 1)
    return part


def _delete(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(where)).rowcount


_COLUMNS = ("first_leaf", "end_leaf", *Part._fields[2:])
