"""The address of a database: its URL, and its display name."""

from __future__ import annotations

import re

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from incidents.errors import InputError

# libpq's syntax for several hosts: the library reads only one host and port there.
_SEVERAL = re.compile(
    r"(?P<begin>postgresql(?:\+\w+)?://(?:[^@/?]*@)?)(?P<hosts>[^@/?]*,[^@/?]*)(?P<end>(?:[/?].*)?)"
)
_SECRET = ("password", "sslpassword")
_PASSWORD = re.compile(r"([?&](?:ssl)?password=)[^&]*")
_HOST = re.compile(r"(?P<name>\[.*\]|[^:]*)(?::(?P<port>.*))?")
_DRIVERS = {
    "sqlite": ("SQLite", "sqlite", "sqlite+pysqlite"),
    "postgresql": ("PostgreSQL", "postgresql", "postgresql+psycopg"),
}
NAME_ANOTHER = "name another one with --db or INCIDENTS_DB"
_FORMS = "write sqlite:////path/to/file or postgresql://user@host/name"
_WRONG = {
    "database_kind": "unknown kind of database: {given!r}",
    "no_sqlite_file": "not a SQLite file: {given!r}",
    "database_driver": "unknown driver for {kind}: {given!r}",
    "no_database_url": "not the URL of a database: {given!r}",
    "lists_of_hosts": "the lists of hosts, addresses and ports differ in length: {given!r}",
}


def read_url(url: str) -> URL:
    """The URL of a SQLite file, or of a PostgreSQL database, perhaps with several hosts.

    Raises:
        InputError: if the URL is not valid, or is of an unknown kind or for an unknown driver.
    """
    parsed = _parsed(url)
    kind = parsed.get_backend_name()
    if kind not in _DRIVERS:
        raise _wrong("database_kind", given=kind)
    if kind == "sqlite" and not _names_a_file(parsed):
        raise _wrong("no_sqlite_file", given=parsed.render_as_string())
    name, *drivers = _DRIVERS[kind]
    if parsed.drivername not in drivers:
        raise _wrong("database_driver", kind=name, given=parsed.drivername)
    return parsed


def _wrong(code: str, **facts: str) -> InputError:
    return InputError.coded(code, f"{_WRONG[code]} ({_FORMS})", **facts)


def display_address(engine: Engine) -> str:
    """The database's address for people, without its password."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return str(url.database)
    url = url.difference_update_query(_SECRET)
    hosts = _hosts(url)
    if len(hosts) > 1:
        url = url.difference_update_query(("host", "port")).set(host=_SEVERAL_HOSTS)
    shown = url.set(drivername="postgresql").render_as_string(hide_password=True)
    # As several hosts are typed.
    return shown.replace(_SEVERAL_HOSTS, ",".join(hosts)).replace("%2C", ",")


def public_address(engine: Engine) -> str:
    """The database's address for outsiders: its host or file, without user and password."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        return str(url.database)
    return f"postgresql://{','.join(_hosts(url))}/{url.database or ''}"


_SEVERAL_HOSTS = "several-hosts"


def _hosts(url: URL) -> list[str]:
    """The hosts of a PostgreSQL database, each with its port if one is named."""
    given = url.normalized_query
    hosts = ",".join(given.get("host", (url.host or "",))).split(",")
    ports = ",".join(given.get("port", (str(url.port or ""),))).split(",")
    # One port is for all hosts.
    ports += ports[-1:] * (len(hosts) - len(ports))
    named = [f"[{host}]" if ":" in host else host for host in hosts]
    return [f"{host}:{port}" if port else host for host, port in zip(named, ports, strict=False)]


def _parsed(url: str) -> URL:
    # The URL may come from elsewhere: other programs write the scheme so.
    if url.startswith("postgres://"):
        url = url.replace("postgres://", "postgresql://", 1)
    several = _SEVERAL.fullmatch(url)
    try:
        if several is None:
            parsed = make_url(url)
        else:
            bare = make_url(several["begin"] + several["end"])
            parsed = _multi_host(bare, several["hosts"].split(","))
    except (ArgumentError, ValueError) as error:
        raise _wrong("no_database_url", given=_without_password(url)) from error
    if not _lists_match(parsed):
        raise _wrong("lists_of_hosts", given=_without_password(url))
    return parsed


def _without_password(url: str) -> str:
    shown = url if "@" not in url else "…@" + url.rpartition("@")[2]
    return _PASSWORD.sub(r"\1…", shown)


def _lists_match(url: URL) -> bool:
    """Whether each host has its address, if there are any, and its port, or all have one."""
    hosts, addresses, ports = (
        len(listed.split(",")) if (listed := ",".join(url.normalized_query.get(name, ()))) else 0
        for name in ("host", "hostaddr", "port")
    )
    hosts = hosts or int(url.host is not None)
    each_has_address = not hosts or addresses in (0, hosts)
    return each_has_address and (ports <= 1 or ports == max(hosts, addresses))


def _multi_host(url: URL, hosts: list[str]) -> URL:
    """Set the hosts, each with or without its port, as both the library and libpq read them."""
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
