"""The database's URL: which ones are understood, and how a database is named to people."""

from __future__ import annotations

import re

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from incidents.errors import InputError

# libpq's own, of a cluster: the library reads one host and one port there.
_SEVERAL = re.compile(
    r"(?P<begin>postgresql(?:\+\w+)?://(?:[^@/?]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<end>(?:[/?].*)?)"
)
_HOST = re.compile(r"(?P<name>\[.*\]|[^:]*)(?::(?P<port>.*))?")
_DRIVERS = {
    "sqlite": ("SQLite", "sqlite", "sqlite+pysqlite"),
    "postgresql": ("PostgreSQL", "postgresql", "postgresql+psycopg"),
}
NAME_ANOTHER = "name another one with --db or INCIDENTS_DB"
_FORMS = "write sqlite:////path/to/file or postgresql://user@host/name"


def read(url: str) -> URL:
    """The URL of a SQLite file, or of a PostgreSQL database, perhaps with several hosts.

    Raises:
        InputError: if it cannot be read, or is of an unknown kind or for an unknown driver.
    """
    parsed = _parsed(url)
    kind = parsed.get_backend_name()
    if kind not in _DRIVERS:
        raise InputError(f"unknown kind of database: {kind!r} ({_FORMS})")
    if kind == "sqlite" and not _names_a_file(parsed):
        raise InputError(f"not a SQLite file: {parsed.render_as_string()!r} ({_FORMS})")
    name, *drivers = _DRIVERS[kind]
    if parsed.drivername not in drivers:
        raise InputError(f"unknown driver for {name}: {parsed.drivername!r} ({_FORMS})")
    return parsed


def place(engine: Engine) -> str:
    """The database as people know it, without its password."""
    if engine.dialect.name == "sqlite":
        return str(engine.url.database)
    shown = engine.url.set(drivername="postgresql").render_as_string(hide_password=True)
    # As several hosts are typed.
    return shown.replace("%2C", ",")


def seen_from_outside(engine: Engine) -> str:
    """The database as others may know it too: where it is, and nothing of how one comes in."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return str(url.database)
    given = url.normalized_query
    hosts = ",".join(given.get("host", (url.host or "",))).split(",")
    ports = ",".join(given.get("port", (str(url.port or ""),))).split(",")
    # One port is that of all.
    ports += ports[-1:] * (len(hosts) - len(ports))
    named = [f"[{host}]" if ":" in host else host for host in hosts]
    at = [f"{host}:{port}" if port else host for host, port in zip(named, ports, strict=False)]
    return f"postgresql://{','.join(at)}/{url.database or ''}"


def _parsed(url: str) -> URL:
    # Another spelling of the same, by those who have taken it from elsewhere.
    if url.startswith("postgres://"):
        url = url.replace("postgres://", "postgresql://", 1)
    several = _SEVERAL.fullmatch(url)
    try:
        if several is None:
            return make_url(url)
        return _of_several(make_url(several["begin"] + several["end"]), several["hosts"].split(","))
    except (ArgumentError, ValueError) as error:
        shown = url if "@" not in url else "…@" + url.rpartition("@")[2]
        raise InputError(f"not the URL of a database: {shown!r} ({_FORMS})") from error


def _of_several(url: URL, hosts: list[str]) -> URL:
    """With those hosts, each with its port or without, as both the library and libpq read them."""
    found = [host for host in map(_HOST.fullmatch, hosts) if host is not None]
    if len(found) < len(hosts):
        raise ArgumentError("a host that cannot be read")
    names = ",".join(host["name"].strip("[]") for host in found)
    ports = ",".join(host["port"] or "" for host in found)
    named = {"host": names, "port": ports} if ports.strip(",") else {"host": names}
    return url.update_query_dict(named)


def _names_a_file(url: URL) -> bool:
    named = url.database not in (None, "", ":memory:") and "\0" not in str(url.database)
    return named and not url.query and not url.host
