"""The access to a database: other users' access, and the rights of a PostgreSQL role.

The desk's role can add to the record, but not change it: nobody with its password can rewrite an
entry, take back a number, or replace a signed checkpoint.
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
    """Explain how other users can read the database, and the remedy; None if no way is known.

    The function opens nothing and makes no connection.
    """
    if engine.dialect.name == "sqlite":
        return _readable_file(Path(str(engine.url.database)))
    return _unverified_server(engine)


def _readable_file(file: Path) -> Cause | None:
    """Warn if users outside the group can read the file; a chmod may have admitted the group."""
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
    """Warn of libpq's default: TLS only if offered, with any certificate (`sslmode=prefer`)."""
    from psycopg.pq import Conninfo

    # The environment and a service file can set what the URL does not.
    given = {each.keyword.decode(): (each.val or b"").decode() for each in Conninfo.get_defaults()}
    given |= engine.dialect.create_connect_args(engine.url)[1]
    # With the system's authorities libpq requires verify-full.
    if given["sslmode"] in _VERIFIED or given.get("sslrootcert") == "system":
        return None
    hosts = str(given["hostaddr"] or given["host"]).split(",")
    far = next((host for host in hosts if not _is_local(host)), None)
    if far is None:
        return None
    return Cause.of(
        "unverified_server",
        "the connection to PostgreSQL on {host} is not verified, so others on the network can read"
        " and change what is sent: add sslmode=verify-full to the database's URL"
        " (docs/how-to/use-postgresql.md)",
        host=far,
    )


def _is_local(host: str) -> bool:
    """Whether the host is this machine: a socket or the loopback."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


SELECT, INSERT, UPDATE, DELETE = "SELECT", "INSERT", "UPDATE", "DELETE"
_APPEND_ONLY = (SELECT, INSERT)
_STATE = (SELECT, INSERT, UPDATE)
_TRANSIENT = (SELECT, INSERT, DELETE)

RIGHTS: dict[str, tuple[str, ...]] = {
    # On record, or signed.
    "entries": _APPEND_ONLY,
    "leaves": _APPEND_ONLY,
    "checkpoints": _APPEND_ONLY,
    "cosignatures": _APPEND_ONLY,
    "stamps": _APPEND_ONLY,
    "log_keys": _APPEND_ONLY,
    "policies": _APPEND_ONLY,
    "intake_rules": _APPEND_ONLY,
    "orders": _APPEND_ONLY,
    # Only the owner archives: it deletes what the desk may only add.
    "archive_parts": (SELECT,),
    "archived_sites": (SELECT,),
    "evidence": _APPEND_ONLY,
    "notes": _APPEND_ONLY,
    "incident_urls": _APPEND_ONLY,
    "sealed": _APPEND_ONLY,
    # The tree on its right edge, which the checkpoints vouch for.
    "tiles": _STATE,
    "log_head": (SELECT, UPDATE),
    # The present state, which `audit replay` derives from the entries.
    "desk": (SELECT, UPDATE),
    "sites": (SELECT, INSERT, UPDATE, DELETE),
    "incidents": _STATE,
    "contacts": _STATE,
    "suspensions": _STATE,
    "tasks": _STATE,
    "claims": _TRANSIENT,
    "filing_details": _TRANSIENT,
    "filing_terms": _TRANSIENT,
    "footers": (SELECT, INSERT, UPDATE, DELETE),
    "work": _TRANSIENT,
    "reports": _STATE,
    "report_incidents": _TRANSIENT,
    "report_hosts": _TRANSIENT,
    "reporters": _STATE,
    "answers": _STATE,
    "waiting_answers": (SELECT, INSERT, UPDATE, DELETE),
    "report_snapshots": _STATE,
    "report_reopenings": _STATE,
    "waiting_snapshots": (SELECT, INSERT, UPDATE, DELETE),
    # Who had what, as another system says.
    "holdings": _TRANSIENT,
    # Accounts and tokens, which the replay also derives; and secret or short-lived data.
    "accounts": _STATE,
    "tokens": _STATE,
    "passwords": _TRANSIENT,
    # Used, revoked and removed ones stay, so that the replay finds what somebody brings back.
    "invitations": _STATE,
    "factors": _STATE,
    "sessions": (SELECT, INSERT, UPDATE, DELETE),
    "attempts": (SELECT, INSERT, UPDATE, DELETE),
    "saved_views": (SELECT, INSERT, UPDATE, DELETE),
    # Never deleted; the eraser alone replaces the persons.
    "sign_ins": _APPEND_ONLY,
    "refusals": _STATE,
    # Only the owner may add a key: anybody else who could would seal rows of their own.
    "serve_keys": (SELECT,),
    "keys": _TRANSIENT,
    "deliveries": (SELECT, INSERT, UPDATE, DELETE),
    "alarms": (SELECT, INSERT, UPDATE, DELETE),
    "heartbeats": (SELECT, INSERT, UPDATE, DELETE),
    "uncompared": (SELECT, INSERT, UPDATE, DELETE),
    # The owner decides whether any clock is accepted, when the database is made.
    "rehearsal": (SELECT,),
    "alembic_version": (SELECT,),
}
"""The rights of the desk's role, by table."""

COMMAND_LINE_RIGHTS: dict[str, tuple[str, ...]] = RIGHTS | {
    # An action looks up whether there are accounts, and their permissions.
    "accounts": (SELECT,),
    "tokens": (SELECT,),
    "invitations": (SELECT,),
    "sign_ins": (),
    "passwords": (),
    "factors": (),
    "sessions": (),
    "attempts": (),
    "saved_views": (),
}
"""The rights, by table, of a role that only runs commands and cannot sign anyone in."""

ERASED_FROM = ("sealed", "keys")
"""The tables that `incidents person erase` and `retention run` delete from."""
THINNED = ("cosignatures", "checkpoints")
"""The tables from which `retention run` deletes old checkpoints."""
ERASED_IN = ("sign_ins", "refusals")
"""The tables in which those commands replace a person and an address with a pseudonym."""
NAMED_IN = ("saved_views", "factors")
"""The tables in which `person erase --account` erases names, by the rights of the desk's role."""


def sql(role: str, eraser: str | None = None, *, command_line_only: bool = False) -> Iterator[str]:
    """The statements that the owner of the tables runs once and after each upgrade.

    `command_line_only`: the role cannot sign anyone in, which servers and daemons must do. `eraser`
    is a role with the desk's rights that may also erase sealed text and thin checkpoints.
    """
    desk = quoted(role)
    tables = ", ".join(RIGHTS)
    yield f"REVOKE ALL ON {tables} FROM PUBLIC, {desk};"
    yield f"GRANT USAGE ON SCHEMA public TO {desk};"
    for table, rights in (COMMAND_LINE_RIGHTS if command_line_only else RIGHTS).items():
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
        # MAINTAIN (PostgreSQL 17) is the right to VACUUM.
        yield f"GRANT DELETE, MAINTAIN ON {erases} TO {quoted(eraser)};"
        yield f"GRANT DELETE ON {', '.join(THINNED)} TO {quoted(eraser)};"
        yield f"GRANT UPDATE, MAINTAIN ON {', '.join(ERASED_IN)} TO {quoted(eraser)};"
        yield f"GRANT MAINTAIN ON {', '.join(NAMED_IN)} TO {quoted(eraser)};"


def quoted(role: str) -> str:
    """A role's name, quoted for a statement."""
    return '"' + role.replace('"', '""') + '"'
