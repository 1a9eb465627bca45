"""The machine of a run: what the figures depend on, read where the system tells it."""

from __future__ import annotations

import os
import platform
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psycopg

from bench.databases import Databases, PostgresqlDatabases

_LIBRARIES = (
    "SQLAlchemy", "psycopg", "transitions", "APScheduler", "procrastinate", "pgqueuer", "asyncpg",
    "huey",
)  # fmt: skip


def document(databases: list[Databases], folder: Path) -> dict[str, Any]:
    """What this machine is, and the versions of all that takes part."""
    servers = [one for one in databases if isinstance(one, PostgresqlDatabases)]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "load_1m": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "file_system": file_system(folder),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "postgresql": None if not servers else _postgresql(servers[0]),
        "libraries": _libraries(),
    }


def file_system(folder: Path) -> str:
    """The kind of file system that a folder lies on; tmpfs is memory, not a disk."""
    kind, longest = "unknown", -1
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, mounted, type_, *_ = line.split(" ")
        if folder.resolve().is_relative_to(mounted) and len(mounted) > longest:
            kind, longest = type_, len(mounted)
    return kind


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _postgresql(databases: PostgresqlDatabases) -> dict[str, str]:
    names = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    with psycopg.connect(databases.server.url("postgres")) as connection:
        found = {name: _setting(connection, name) for name in names}
    return {"origin": databases.server.origin, **found}


def _setting(connection: psycopg.Connection, name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def _libraries() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
