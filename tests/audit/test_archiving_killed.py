"""An archiver that is killed: nothing is lost or doubled, and the next run goes on."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audit.histories import Histories
from tests.audit.old_days import PART, archived, exported, fill, folder_of
from tests.audit.rewriting import seen
from tests.conftest import WriteSettings
from tests.desk.rehearsal import Rehearsal

KILLED = """
import os, signal, sys
from datetime import timedelta
from incidents import clock
from incidents.audit import archiving
from incidents.store.archive import part_file
from incidents.store.database.engine import create

url, many, room, name, when = sys.argv[1:]
place = {"archiving": archiving, "part_file": part_file}[room]
function = getattr(place, name)


def killed(*given):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    function(*given)
    os.kill(os.getpid(), signal.SIGKILL)


setattr(place, name, killed)
ago = clock.now() - timedelta(days=30)
list(archiving.archive(create(url), ago, clock.now, many=int(many)))
"""

POINTS = {
    "before the file is written": ("part_file", "write", "before"),
    "when the file is written": ("part_file", "write", "after"),
    "before the file has its name": ("part_file", "give_name", "before"),
    "when the file has its name": ("part_file", "give_name", "after"),
    "when the first rows are deleted": ("archiving", "_delete", "after"),
    "when all rows are deleted": ("archiving", "_move", "after"),
}
FAST = {"when the file is written", "when all rows are deleted"}


@pytest.fixture
def folder(tmp_path: Path, write_settings: WriteSettings) -> Path:
    write_settings(folder_of(tmp_path / "parts"))
    return tmp_path / "parts"


@pytest.fixture
def day(folder: Path, db_url: str, histories: Histories) -> Iterator[Rehearsal]:
    with histories.after(fill, db_url) as day:
        yield day


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "point",
    [pytest.param(each, marks=[] if each in FAST else [pytest.mark.long]) for each in POINTS],
)
def test_an_archiver_killed_at_any_point_leaves_the_record_whole_and_the_next_one_goes_on(
    day: Rehearsal, db_url: str, folder: Path, point: str
) -> None:
    before = exported(day)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, db_url, str(PART), *POINTS[point]],
        check=False,
        capture_output=True,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert exported(day) == before
    assert seen(day).findings == ()
    # Nothing was committed.
    assert seen(day).archive == (0, 0)
    made = archived(day)
    assert [each.part.first for each in made] == [0, PART]
    assert sorted(file.name for file in folder.glob("*part*")) == [each.file for each in made]
    assert exported(day) == before
    assert seen(day).findings == ()
    assert day.findings() == []
