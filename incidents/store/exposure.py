"""The exposure: who else can reach the database, as far as its file or its URL shows it."""

from __future__ import annotations

import stat
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine

_VERIFIED = ("verify-full", "verify-ca")


def open_to_others(engine: Engine) -> str | None:
    """How others can read the database, and what to do; None if they cannot, as far as is known.

    Nothing is opened, and no connection is made.
    """
    if engine.dialect.name == "sqlite":
        return _readable_file(Path(str(engine.url.database)))
    return _unverified_server(engine)


def _readable_file(file: Path) -> str | None:
    """Its group may have been let in on purpose, which takes a chmod. Everybody else never is: an
    older program, or another one, has made the file."""
    try:
        mode = stat.S_IMODE(file.stat().st_mode)
    except (OSError, ValueError):
        return None
    if not mode & stat.S_IRWXO:
        return None
    return f"everybody on this machine can read {file} (mode {mode:04o}): run chmod 600 {file}"


def _unverified_server(engine: Engine) -> str | None:
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
    return (
        f"the connection to PostgreSQL on {far} is not verified, so others on the network can read"
        " and change what is sent: add sslmode=verify-full to the database's URL"
        " (docs/how-to/use-postgresql.md)"
    )


def _is_here(host: str) -> bool:
    """Whether it is this machine: a socket or the loopback."""
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
