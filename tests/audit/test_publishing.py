"""The publishing: a folder that holds what the checkpoint in it vouches for."""

import os
from pathlib import Path

import pytest
from sqlalchemy import text

from incidents.audit.log import publishing, sequencer
from incidents.audit.log.publishing import AnotherLogError
from incidents.store.database.engine import reading
from incidents.tlog.tiles import path, tiles_of
from tests.audit.log_rig import NAME, Rig


def files_in(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_folder_holds_the_tiles_of_its_checkpoint_and_no_part_of_what_is_whole(
    house: Rig, tmp_path: Path
) -> None:
    folder = tmp_path / "public"
    house.make_key()
    for n in (10, 300, 700):
        house.add(n)
        house.time.later(seconds=1)
        house.sign()
        publishing.publish(house.engine, folder)
        needed = {path(tile) for tile in tiles_of(house.last().size)}
        assert needed <= files_in(folder)
        assert (folder / "checkpoint").read_text() == house.last().note

    left = files_in(folder) - needed - {"checkpoint"}
    assert all(name.startswith(("tile/0/003.p/", "tile/1/000.p/")) for name in left)
    with reading(house.engine) as connection:
        for tile in tiles_of(house.last().size):
            hashes = connection.execute(
                text("SELECT hashes FROM tiles WHERE level = :level AND n = :n"),
                {"level": tile.level, "n": tile.n},
            ).scalar_one()
            assert (folder / path(tile)).read_bytes() == bytes(hashes)


def test_it_is_for_every_web_server_to_read_whatever_the_umask(house: Rig, tmp_path: Path) -> None:
    house.begin(4)
    before = os.umask(0o077)
    try:
        publishing.publish(house.engine, tmp_path / "for" / "all")
    finally:
        os.umask(before)

    made = list((tmp_path / "for").rglob("*"))
    assert {oct(f.stat().st_mode & 0o777) for f in made if f.is_file()} == {"0o644"}
    assert {oct(f.stat().st_mode & 0o777) for f in made if f.is_dir()} == {"0o755"}


def test_what_is_numbered_and_not_signed_is_not_published(house: Rig, tmp_path: Path) -> None:
    folder = tmp_path / "public"
    house.begin(4)
    house.add(4)
    sequencer.number_all(house.engine)

    publishing.publish(house.engine, folder)

    assert files_in(folder) == {"checkpoint", "tile/0/000.p/5"}
    assert (folder / "tile/0/000.p/5").stat().st_size == 5 * 32
    assert publishing.publish(house.engine, folder) is None


def test_a_folder_of_another_log_or_of_a_longer_one_is_left_alone(
    house: Rig, tmp_path: Path
) -> None:
    folder = tmp_path / "public"
    house.begin(4)
    publishing.publish(house.engine, folder)
    there = folder / "checkpoint"
    other, longer = there.read_text().replace(NAME, "other.example"), there.read_text()
    house.time.later(hours=1)
    house.sign()

    for written in (other, longer.replace("\n5\n", "\n9\n"), "no checkpoint"):
        there.write_text(written)
        with pytest.raises(AnotherLogError):
            publishing.publish(house.engine, folder)
        assert there.read_text() == written
