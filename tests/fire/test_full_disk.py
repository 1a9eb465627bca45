"""A full disk: nothing acknowledged is lost, and all goes on by itself when there is room again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fire import fault_record, full_disk
from tests.fire.full_disk import MIB, UNIT, Disk, Operator, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", 4 * MIB) as made:
        yield made


def test_a_sqlite_file_on_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    figures = full_disk.on_sqlite(1, tmp_path, turns=1)

    assert figures[UNIT] == 1
    assert figures["refused for want of room"] >= 3


def test_a_database_is_not_made_on_a_full_disk_and_is_made_when_there_is_room(
    disk: Disk,
) -> None:
    operator = Operator(f"sqlite:///{disk.folder / 'incidents.db'}")
    disk.fill()
    failed = operator.say("db", "upgrade")
    disk.make_room()
    made = operator.say("db", "upgrade")

    assert failed.status == 1
    fault_record.assert_clear(failed.stderr, sentences=["is full", "disk I/O error"])
    assert made.status == 0


@pytest.mark.parametrize("words", [("db", "backup"), ("audit", "export", "-o")])
def test_a_file_that_finds_no_room_is_not_there_and_what_was_there_stays(
    disk: Disk, tmp_path: Path, words: tuple[str, ...]
) -> None:
    operator = Operator(f"sqlite:///{tmp_path / 'incidents.db'}")
    assert operator.say("db", "upgrade").status == 0
    assert operator.say("site", "add", "a.example").status == 0
    disk.fill()
    failed = operator.say(*words, str(disk.folder / "file"))
    left = sorted(path.name for path in disk.folder.iterdir())
    disk.make_room()
    made = operator.say(*words, str(disk.folder / "file"))

    assert failed.status == 1
    fault_record.assert_clear(failed.stderr, sentences=["cannot be written"])
    assert left == ["ballast"]
    assert made.status == 0
    assert (disk.folder / "file").stat().st_size > 0


def test_the_disk_is_really_full(disk: Disk) -> None:
    disk.fill()

    with pytest.raises(OSError, match="No space left"):
        (disk.folder / "one").write_bytes(b"1")
    assert subprocess.run(["df", disk.folder], capture_output=True, check=True).stdout
