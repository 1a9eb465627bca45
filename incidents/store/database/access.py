"""The access to a database: who else can reach it, and the rights of a PostgreSQL role.

What is on record it can add to and never change: with its password nobody rewrites an entry, takes
back a number, or puts another checkpoint in the place of one that was signed.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.errors import Cause
from incidents.store.schema.catalogue import every_table

if TYPE_CHECKING:
    from sqlalchemy import Engine

_VERIFIED = ("verify-full", "verify-ca")


def open_to_others(engine: Engine) -> Cause | None:
    """How others can read the database, and what to do; None if they cannot, as far as is known.

    Nothing is opened, and no connection is made.
    """
    if engine.dialect.name == "sqlite":
        return _readable_file(Path(str(engine.url.database)))
    return _unverified_server(engine)


def _readable_file(file: Path) -> Cause | None:
    """Its group may have been let in on purpose, which takes a chmod. Everybody else never is: an
    older program, or another one, has made the file."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except (OSError, ValueError):
        return None
    if not mode & stat.S_IRWXO:
        return None
    return Cause.of(
        "readable_by_all",
        "everybody on this machine can read {file} (mode {mode:04o}): run chmod 600 {file}",
        file=file, mode=mode,
    )  # fmt: skip


def _unverified_server(engine: Engine) -> Cause | None:
    """By default libpq takes TLS if it is offered, and any certificate (`sslmode=prefer`)."""
    from psycopg.pq import Conninfo

    # The environment and a service file say what the URL does not.
    told = {each.keyword.decode(): (each.val or b"").decode() for each in Conninfo.get_defaults()}
    told |= engine.dialect.create_connect_args(engine.url)[1]
    # With the system's authorities libpq takes nothing less than verify-full.
    if told["sslmode"] in _VERIFIED or told.get("sslrootcert") == "system":
        return None
    hosts = str(told["hostaddr"] or told["host"]).split(",")
    far = next((host for host in hosts if not _is_here(host)), None)
    if far is None:
        return None
    return Cause.of(
        "unverified_server",
        "the connection to PostgreSQL on {host} is not verified, so others on the network can read"
        " and change what is sent: add sslmode=verify-full to the database's URL"
        " (docs/how-to/use-postgresql.md)",
        host=far,
    )


def _is_here(host: str) -> bool:
    """Whether it is this machine: a socket or the loopback."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


SELECT, INSERT, UPDATE, DELETE = "SELECT", "INSERT", "UPDATE", "DELETE"
_ADDED_TO = (SELECT, INSERT)
_STATE = (SELECT, INSERT, UPDATE)
_COMES_AND_GOES = (SELECT, INSERT, DELETE)

RIGHTS: dict[str, tuple[str, ...]] = {
    # On record, or signed.
    "entries": _ADDED_TO,
    "leaves": _ADDED_TO,
    "checkpoints": _ADDED_TO,
    "cosignatures": _ADDED_TO,
    "stamps": _ADDED_TO,
    "log_keys": _ADDED_TO,
    "policies": _ADDED_TO,
    "orders": _ADDED_TO,
    "evidence": _ADDED_TO,
    "notes": _ADDED_TO,
    "incident_urls": _ADDED_TO,
    "sealed": _ADDED_TO,
    # The tree on its right edge, which the checkpoints vouch for.
    "tiles": _STATE,
    "log_head": (SELECT, UPDATE),
    # How things stand, which `audit replay` derives from the entries.
    "desk": (SELECT, UPDATE),
    "sites": (SELECT, INSERT, UPDATE, DELETE),
    "incidents": _STATE,
    "contacts": _STATE,
    "suspensions": _STATE,
    "tasks": _STATE,
    "claims": _COMES_AND_GOES,
    "filing_details": _COMES_AND_GOES,
    "filing_terms": _COMES_AND_GOES,
    "footers": (SELECT, INSERT, UPDATE, DELETE),
    "work": _COMES_AND_GOES,
    # Who may come in, which the replay derives as well; and what is secret or soon over.
    "accounts": _STATE,
    "tokens": _STATE,
    "passwords": _COMES_AND_GOES,
    "sessions": (SELECT, INSERT, UPDATE, DELETE),
    "attempts": (SELECT, INSERT, UPDATE, DELETE),
    # Who signed in, and who was not let: never deleted, and the eraser alone changes who that was.
    "sign_ins": _ADDED_TO,
    "refusals": _STATE,
    # Who could add one would seal whatever they have put there: that is the owner's.
    "serve_keys": (SELECT,),
    "keys": _COMES_AND_GOES,
    "deliveries": (SELECT, INSERT, UPDATE, DELETE),
    "alarms": (SELECT, INSERT, UPDATE, DELETE),
    "heartbeats": (SELECT, INSERT, UPDATE, DELETE),
    "uncompared": (SELECT, INSERT, UPDATE, DELETE),
    # Whether any clock is taken is said by the owner, who makes the database.
    "rehearsal": (SELECT,),
    "alembic_version": (SELECT,),
}
"""The rights of the desk's role, by table."""

OF_ACTS: dict[str, tuple[str, ...]] = RIGHTS | {
    # That there are accounts, and what they may do, an act looks up; the replay, all of it.
    "accounts": (SELECT,),
    "tokens": (SELECT,),
    "sign_ins": (),
    "passwords": (),
    "sessions": (),
    "attempts": (),
}
"""Those of a role that acts at the command line, and lets nobody in."""

ERASED_FROM = ("sealed", "keys")
"""What `incidents person erase` and `retention run` delete from."""
ERASED_IN = ("sign_ins", "refusals")
"""In what they put a pseudonym in the place of a person and an address."""


def sql(role: str, eraser: str | None = None, *, acts: bool = False) -> Iterator[str]:
    """The statements, to be run by the owner of the tables once and after each upgrade.

    With `acts` the role acts at the command line alone: servers and daemons need all rights.
    `eraser` is a role that may erase people's own words as well, and has the desk's rights.
    """
    desk = quoted(role)
    tables = ", ".join(RIGHTS)
    yield f"REVOKE ALL ON {tables} FROM PUBLIC, {desk};"
    yield f"GRANT USAGE ON SCHEMA public TO {desk};"
    for table, rights in (OF_ACTS if acts else RIGHTS).items():
        if rights:
            yield f"GRANT {', '.join(rights)} ON {table} TO {desk};"
    sequences = [
        f"{table.name}_{column.name}_seq"
        for table in every_table().sorted_tables
        for column in table.primary_key
        if column.autoincrement is True
    ]
    yield f"GRANT USAGE ON SEQUENCE {', '.join(sequences)} TO {desk};"
    if eraser is not None:
        erases = ", ".join(ERASED_FROM)
        yield f"GRANT {desk} TO {quoted(eraser)};"
        # MAINTAIN (PostgreSQL 17) lets it vacuum what it has deleted.
        yield f"GRANT DELETE, MAINTAIN ON {erases} TO {quoted(eraser)};"
        yield f"GRANT UPDATE, MAINTAIN ON {', '.join(ERASED_IN)} TO {quoted(eraser)};"


def quoted(role: str) -> str:
    """A role's name as it stands in a statement."""
    return '"' + role.replace('"', '""') + '"'
