"""Two machines that share the folder of a SQLite file: the second is refused, and nothing is lost.

Each is a mount namespace with what a machine has of its own: a running kernel's id, and the memory
by which the users of a write-ahead log agree. It takes root, as every mount does.
"""

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

MACHINE = """
mount --bind "$1/boot_id" /proc/sys/kernel/random/boot_id
mount --bind "$1/memory" "$2-shm"
shift 2
exec "$@"
"""
# Adds sites for as long as its input lasts, and prints each one that was acknowledged.
OPERATOR = """
import select, socket, sys
url, name, most = sys.argv[1:]
socket.gethostname = lambda: name
from incidents.desk import Desk, Envelope
from incidents.errors import DatabaseError
from incidents.machine.commands import AddSite
from incidents.store.engine import create
desk = Desk(create(url))
for n in range(int(most)):
    site = f"{name}-{n}.example"
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


@contextmanager
def _operator(machine: Path, file: Path, most: int) -> Iterator[subprocess.Popen[str]]:
    machine.mkdir()
    (machine / "boot_id").write_text(f"boot of {machine.name}\n")
    (machine / "memory").touch()
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-ec", MACHINE, "machine",
         str(machine), str(file), sys.executable, "-c", OPERATOR, f"sqlite:///{file}", machine.name,
         str(most)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_of_two_machines_on_one_file_the_second_is_refused_and_nothing_is_lost(
    sqlite_url: str, tmp_path: Path
) -> None:
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    Path(f"{file}-shm").touch()
    with _operator(tmp_path / "desk-1", file, 1_000_000) as first:
        assert first.stdout is not None
        acknowledged = [first.stdout.readline()]
        with _operator(tmp_path / "desk-2", file, 50) as second:
            refused, said = second.communicate()
        more, trouble = first.communicate("stop")

    acknowledged += [*more.splitlines(keepends=True), *refused.splitlines(keepends=True)]
    with closing(sqlite3.connect(file)) as database:
        there = {f"{name}\n" for (name,) in database.execute("SELECT name FROM sites")}
        [whole] = database.execute("PRAGMA integrity_check").fetchone()
    assert [each for each in acknowledged if each not in there] == []
    assert (refused, trouble, whole) == ("", "", "ok")
    assert re.match(rf"{file} is open on another machine, desk-1, which was there \d+ s ago", said)
