"""Streams that are kept together: each is whole and on disk before anybody hears of it, or gone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from incidents.errors import FileError
from incidents.record import evidence, streams
from incidents.record.streams import Streams
from incidents.system import disk


def files(folder: Path) -> list[Path]:
    return sorted(each for each in folder.rglob("*") if each.is_file())


def test_each_stream_is_kept_once_under_its_digest(tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    raws = [b"%d" % (n % 300) for n in range(400)]
    with ThreadPoolExecutor(2) as threads:
        with Streams(folder, limit=100, first=1, threads=threads) as group:
            found = [group.keep(BytesIO(raw)) for raw in raws]
        assert [each.digest for each in found] == [sha256(raw).hexdigest() for raw in raws]
        assert [each.first for each in found] == [raw[:1] for raw in raws]
        assert {each.name for each in files(folder)} == {each.digest for each in found}
        before = files(folder)
        with Streams(folder, limit=100, first=1, threads=threads) as group:
            group.keep(BytesIO(raws[0]))
        assert files(folder) == before


def test_what_is_longer_than_the_limit_is_kept_in_part_and_both_digests_are_known(
    tmp_path: Path,
) -> None:
    raw = b"a" * (3 << 20) + b"b"
    found = streams.keep(BytesIO(raw), tmp_path, limit=(1 << 20) + 5, first=10)
    part = raw[: (1 << 20) + 5]
    own = sha256(part).hexdigest()
    assert found == streams.Kept(sha256(raw).hexdigest(), len(raw), b"a" * 10, own)
    [kept] = files(tmp_path)
    assert kept.read_bytes() == part
    assert kept == evidence.kept(tmp_path, own)


def test_a_file_has_its_name_only_when_it_is_on_disk_and_its_folder_is_on_disk_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[object] = []
    real, rename = os.fsync, Path.rename

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    def renamed(new: Path, target: str) -> Path:
        assert new.stat().st_ino in synced
        return rename(new, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", renamed)
    with Streams(tmp_path / "evidence", limit=9, first=9) as group:
        found = [group.keep(BytesIO(b"%d" % n)) for n in range(9)]
    places = [evidence.kept(tmp_path / "evidence", each.digest) for each in found]
    for place in places:
        assert place is not None
        assert {place.stat().st_ino, place.parent.stat().st_ino} <= set(synced)
    assert (tmp_path / "evidence").stat().st_ino in synced
    assert tmp_path.stat().st_ino in synced


class Broken(BytesIO):
    def read(self, _: int | None = -1) -> bytes:
        raise OSError("the disk fails")


def test_after_an_error_nothing_is_left_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read() -> None:
        with Streams(tmp_path, limit=9, first=9) as group:
            group.keep(BytesIO(b"one"))
            group.keep(Broken())

    with pytest.raises(FileError):
        read()
    assert files(tmp_path) == []

    def fail(_: object) -> None:
        raise OSError("the disk fails")

    monkeypatch.setattr(disk, "fsync_path", fail)
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileError):
        streams.keep(BytesIO(b"one"), tmp_path, limit=9, first=9)
    assert files(tmp_path) == []
