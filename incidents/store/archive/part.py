"""A part of the archive: its place in the log, and the errors of its file.

A part is one SQLite file with a run of the log's leaves: the tables `leaves`, `entries`, `orders`
and `tiles` as in a SQLite database of this program, so the same statements read both. A part never
changes.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from incidents.errors import DatabaseError

VERSION = 1


class PartMissingError(DatabaseError):
    """the archive part {file} cannot be read ({why}): it holds the entries {first} to {last} of the
    log. Copy it back from a backup into the folder {folder}, or set [archive] folder to the folder
    that has it"""


class PartDeniedError(PartMissingError):
    """this user may not read the archive part {file}, which holds the entries {first} to {last} of
    the log: let the user, or a group of the user, read it and the folder {folder}"""


class PartAlteredError(DatabaseError):
    """the archive part {file} was changed after it was archived ({why}): it holds the entries
    {first} to {last} of the log. Replace it with its copy from a backup, whose SHA-256 is
    {digest}"""


class Part(NamedTuple):
    """A part: its leaves are `first` to before `end`.

    `last_id`: every entry with an id up to it is in this part or an earlier one. `since`, `until`:
    when its first and last entries were recorded (UTC). `digest`: SHA-256 in hexadecimal of the
    `size` bytes of the `file`, a name in the archive's folder. `sites`: how many sites have entries
    in it; None if `archived_sites` does not know them.
    """

    first: int
    end: int
    last_id: int
    since: datetime
    until: datetime
    file: str
    size: int
    digest: str
    made_at: datetime
    sites: int | None = None
