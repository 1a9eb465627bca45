"""Two machines that share the folder of a SQLite file: the second is refused, and nothing is lost.

Each is a mount namespace with what a machine has of its own: a running kernel's id, a machine id, a
name, and the memory by which the users of a write-ahead log agree. It takes root, as every mount
does.
"""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

MACHINE = """
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
mount --bind "$1/machine-id" /etc/machine-id
mount --bind "$1/memory" "$2-shm"
if [ "$3" = hardened ]; then mount -t proc -o subset=pid proc /proc; fi
shift 3
exec "$@"
"""
"""With all that the shipped units hide of it (`ProcSubset=pid`), or without."""
# Adds sites for as long as its input lasts, and prints each one that was acknowledged.
OPERATOR = """
import os, select, socket, sys
url, name, most = sys.argv[1:]
socket.sethostname(name)
from incidents.desk import Desk, Envelope
from incidents.errors import DatabaseError
from incidents.machine.commands import AddSite
from incidents.store.database.engine import create
desk = Desk(create(url))
for n in range(int(most)):
    site = f"{name}-{os.getpid()}-{n}.example"
    try:
        [answer] = desk.submit([Envelope(site=site, command=AddSite(by="li"))])
    except DatabaseError as error:
        print(error.message, file=sys.stderr)
        break
    assert answer.refusal is None
    print(site, flush=True)
    if select.select([sys.stdin], [], [], 0)[0]:
        break
"""


@pytest.fixture
def file(sqlite_url: str) -> Path:
    found = Path(sqlite_url.removeprefix("sqlite:///"))
    Path(f"{found}-shm").touch()
    return found


@pytest.fixture
def desk_1(tmp_path: Path) -> Path:
    return _machine(tmp_path, "desk-1")


def _machine(folder: Path, name: str) -> Path:
    machine = folder / name
    machine.mkdir()
    (machine / "boot_id").write_text(f"boot of {name}\n")
    (machine / "machine-id").write_text(f"{name.encode().hex():0>32}\n")
    (machine / "memory").touch()
    return machine


@contextmanager
def _operator(
    machine: Path, file: Path, most: int, *, hardened: bool
) -> Iterator[subprocess.Popen[str]]:
    how = "hardened" if hardened else "plain"
    process = subprocess.Popen(
        ["unshare", "--mount", "--uts", "--propagation", "private", "sh", "-ec", MACHINE, "machine",
         str(machine), str(file), how, sys.executable, "-c", OPERATOR, f"sqlite:///{file}",
         machine.name, str(most)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("hardened", [False, True])
def test_of_two_machines_on_one_file_the_second_is_refused_and_nothing_is_lost(
    file: Path, desk_1: Path, tmp_path: Path, hardened: bool
) -> None:
    desk_2 = _machine(tmp_path, "desk-2")
    with _operator(desk_1, file, 1_000_000, hardened=hardened) as first:
        assert first.stdout is not None
        acknowledged = [first.stdout.readline()]
        with _operator(desk_2, file, 50, hardened=hardened) as second:
            refused, said = second.communicate()
        more, trouble = first.communicate("stop")

    acknowledged += [*more.splitlines(keepends=True), *refused.splitlines(keepends=True)]
    assert _lost(file, acknowledged) == []
    assert (refused, trouble) == ("", "")
    assert re.match(rf"{file} is open on another machine, desk-1, last seen \d+ s ago", said)


def test_a_hardened_daemon_and_the_command_line_of_its_machine_work_on_one_file(
    file: Path, desk_1: Path
) -> None:
    with _operator(desk_1, file, 1_000_000, hardened=True) as daemon:
        assert daemon.stdout is not None
        acknowledged = [daemon.stdout.readline()]
        with _operator(desk_1, file, 1, hardened=False) as command:
            done, said = command.communicate()
        more, trouble = daemon.communicate("stop")

    assert (len(done.splitlines()), said, trouble) == (1, "", "")
    acknowledged += [done, *more.splitlines(keepends=True)]
    assert _lost(file, acknowledged) == []


def _lost(file: Path, acknowledged: list[str]) -> list[str]:
    """What was acknowledged and is not there; the file itself is whole."""
    with closing(sqlite3.connect(file)) as database:
        there = {f"{name}\n" for (name,) in database.execute("SELECT name FROM sites")}
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return [each for each in acknowledged if each not in there]
