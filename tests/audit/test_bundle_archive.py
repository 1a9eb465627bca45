"""A table of archives, right ones and wrong ones, that both verifiers unpack or refuse alike."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from platform import python_version

import pytest
import zstandard

from incidents.audit.proof import bundle_archive as bundle_folder
from incidents.audit.proof.bundle_archive import unpacked
from incidents.errors import FileError, IncidentsError
from tests.audit import auditor, bundles, verifying
from tests.audit.bundles import Desk

Members = list[tuple[tarfile.TarInfo, bytes]]


@pytest.fixture(scope="module")
def members(desk: Desk) -> Members:
    return [_file(name, data) for name, data in bundles.whole(desk).items()]


def _file(name: str, data: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    return member, data


def _other(
    kind: bytes, headers: Iterable[tuple[str, str]] = (), link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo("stamps/1.tsr")
    member.type, member.pax_headers, member.linkname = kind, dict(headers), link
    return member, b""


def _tar(members: Members) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for member, data in members:
            archive.addfile(member, io.BytesIO(data))
    return plain.getvalue()


def _packed(tar: bytes) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=True).compress(tar)


def _by_the_script(archive: Path) -> str | None:
    ran = auditor.run(archive)
    statuses = (6,) if "cannot check it" in ran.stdout else (0, 5)
    assert ran.returncode in statuses, ran
    assert ran.stderr == ""
    return None if ran.returncode == 0 else ran.stdout


def _by_the_program(archive: Path) -> str | None:
    try:
        with unpacked(archive) as folder:
            assert verifying.wrong(folder) == []
    except IncidentsError as error:
        return error.message
    return None


Unpack = Callable[[Path], str | None]
"""Says why an archive is refused; nothing, if what is in it is right."""


@pytest.fixture(params=[_by_the_script, _by_the_program], ids=["script", "program"])
def refused(request: pytest.FixtureRequest) -> Unpack:
    unpack: Unpack = request.param
    return unpack


def test_an_archive_is_unpacked_and_verified(
    refused: Unpack, members: Members, tmp_path: Path
) -> None:
    above = [_file(f"bundle/{member.name}", data) for member, data in members]
    for number, tar in enumerate((_tar(members), _tar(above))):
        for name, data in ((f"{number}.tar", tar), (f"{number}.tar.zst", _packed(tar))):
            (tmp_path / name).write_bytes(data)
            assert refused(tmp_path / name) is None
    assert len(list(tmp_path.iterdir())) == 4


def test_an_archive_made_by_the_program_tar_is_unpacked(
    refused: Unpack, desk: Desk, tmp_path: Path
) -> None:
    folder = bundles.write(bundles.whole(desk), tmp_path / "b")
    os.utime(folder / "checkpoint", ns=(1, 1))
    for kind in ("gnu", "pax", "ustar"):
        command = ["tar", f"--format={kind}", "-cf", f"{kind}.tar", folder.name]
        subprocess.run(command, cwd=tmp_path, check=True)
        assert refused(tmp_path / f"{kind}.tar") is None


@pytest.mark.parametrize(
    "member",
    [
        *map(_file, ("../out", "/tmp/incidents-out", "a/../../out", "./../-rf", "a b", "b\nc")),
        _other(tarfile.SYMTYPE, link="/etc/passwd"), _other(tarfile.LNKTYPE, link="checkpoint"),
        _other(tarfile.FIFOTYPE), _other(tarfile.CHRTYPE), _other(tarfile.CONTTYPE), _other(b"Z"),
        _other(tarfile.GNUTYPE_SPARSE),
        _other(tarfile.REGTYPE, [("GNU.sparse.map", "0,0"), ("GNU.sparse.size", "9999999")]),
    ],
    ids=lambda member: f"{member[0].name} {member[0].type!r}",
)  # fmt: skip
def test_an_archive_holds_plain_files_below_its_folder_without_holes(
    refused: Unpack, members: Members, member: tuple[tarfile.TarInfo, bytes], tmp_path: Path
) -> None:
    archive = tmp_path / "b.tar"
    archive.write_bytes(_tar([*members, member]))
    assert "no plain file" in str(refused(archive))
    assert list(tmp_path.iterdir()) == [archive]
    assert not Path("/tmp/incidents-out").exists()


def test_the_python_of_the_machine_lets_the_script_refuse_the_same(
    members: Members, tmp_path: Path
) -> None:
    """The script looks into `tarfile`, whose inner ways differ from one release to another."""
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
    right = _tar(members)
    link = _other(tarfile.SYMTYPE, link="/etc/passwd")
    for tar, status, said in (
        (right, 0, "verified"),
        (_tar([*members, link]), 5, "no plain file"),
        (right[: len(right.rstrip(b"\0")) // 512 * 512 + 512], 5, "it is cut"),
        (b'{"v":1}\n' + bytes(1024), 5, "JSON lines, and no bundle"),
    ):
        (tmp_path / "b.tar").write_bytes(tar)
        ran = auditor.process("b.tar", cwd=tmp_path, python=python)
        assert (ran.returncode, ran.stderr) == (status, ""), ran
        assert said in ran.stdout


def test_under_a_python_that_reads_archives_in_another_way_none_is_unpacked(
    refused: Unpack, members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for header in (auditor.script.Member, bundle_folder._Header):
        for hook in ("frombuf", "_frombuf"):
            monkeypatch.delattr(header, hook)
    archive = tmp_path / "b.tar"
    archive.write_bytes(_tar(members))
    said = f"Python {python_version()} cannot check it: unpack it, then verify the folder"
    assert said in str(refused(archive))


def _damaged(members: Members) -> dict[str, tuple[bytes, str, str]]:
    """Archives, and what is said of each by either."""
    right = _tar(members)
    packed, end = _packed(right), len(right.rstrip(b"\0"))
    end += -end % 512
    more = "goes on after the end of the archive"
    return {
        "cut.tar": (right[:3_000], "it is no archive", ""),
        "without its end.tar": (right[:end], "it is cut", "not a readable archive"),
        "with no zeros at its end.tar": (
            right[:end] + b"x" * 512 + right[end + 512 :], "a header is wrong", "",
        ),
        "no archive.tar": (b"no archive at all", "archive: it is cut", ""),
        "with a file twice.tar": (_tar([*members, members[0]]), "File exists", "there twice"),
        "with something in its padding.tar": (right[:-1] + b"x", more, "goes on"),
        "going on.tar": (right + b"more", more, "goes on"),
        "going on behind zeros.tar": (right + b"\0" * 20_000 + b"m", more, "goes on"),
        "going on with zeros.tar": (right + b"\0" * 1_100_000, more, "goes on"),
        "going on.tar.zst": (_packed(right + b"more"), more, "goes on"),
        "going on behind zeros.tar.zst": (_packed(right + b"\0" * 20_000 + b"m"), more, "goes on"),
        "garbage behind.tar.zst": (packed + b"garbage behind it", "zstd cannot read it all", ""),
        "no zstd.tar.zst": (b"no archive at all", "", ""),
        # What zstd writes of a block that is wrong is its own affair: all but the end, or nothing.
        "with a wrong checksum.tar.zst": (bundles.flipped(packed, len(packed) - 1), "", ""),
        "cut.tar.zst": (packed[:-4], "", ""),
        "cut in half.tar.zst": (packed[: len(packed) // 2], "", ""),
    }  # fmt: skip


def test_an_archive_that_is_damaged_or_goes_on_is_refused(members: Members, tmp_path: Path) -> None:
    for name, (data, script, program) in _damaged(members).items():
        archive = tmp_path / name
        archive.write_bytes(data)
        said = _by_the_script(archive)
        assert said is not None, name
        assert script in said, (name, said)
        said = _by_the_program(archive)
        assert said is not None, name
        assert program in said, (name, said)


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError), unpacked(tmp_path / "gone"):
        raise AssertionError("it was unpacked")


# ── so many bytes and no more ────────────────────────────────────────────────────────────────────


def test_the_script_unpacks_so_many_bytes_and_no_more(
    members: Members, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "b.tar"
    archive.write_bytes(_tar(members))
    most = sum(max(len(data), 4096) for _, data in members)
    monkeypatch.setattr(auditor.script, "MAX_UNPACKED", most)
    assert auditor.wrong(auditor.script.unpacked(archive, tmp_path / "a")) == []
    monkeypatch.setattr(auditor.script, "MAX_UNPACKED", most - 1)
    with pytest.raises(auditor.script.WrongError, match=f"more than {most - 1} bytes"):
        auditor.script.unpacked(archive, tmp_path / "b")


def test_the_script_refuses_a_file_by_the_size_it_says_before_it_is_written(tmp_path: Path) -> None:
    member, archive = tarfile.TarInfo("stamps/1.tsr"), tmp_path / "b.tar"
    for kind, size, sentence in (
        (tarfile.REGTYPE, 1 << 40, f"take more than {16 << 30} bytes"),
        # So is what says more of a file, which would be held in memory.
        (tarfile.XHDTYPE, 1 << 40, "no plain file"),
        (tarfile.REGTYPE, -512, "below zero"),
    ):
        member.type, member.size = kind, size
        archive.write_bytes(member.tobuf(tarfile.GNU_FORMAT))
        assert sentence in str(_by_the_script(archive))


def test_the_program_unpacks_so_many_bytes_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "b.tar"
    archive.write_bytes(_tar([_file("log.vkey", b"x" * 60), _file("entries.jsonl", b"x" * 40)]))
    monkeypatch.setattr(bundle_folder, "MOST_BYTES", 100)
    with unpacked(archive) as folder:
        assert (folder / "entries.jsonl").stat().st_size == 40
    monkeypatch.setattr(bundle_folder, "MOST_BYTES", 99)
    said = _by_the_program(archive)
    assert said is not None
    assert "its files have more than 99 bytes: unpack it, and name the folder" in said


def test_no_file_of_an_archive_but_those_that_grow_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_folder, "MOST_IN_FILE", 50)
    growing = [_file(f"b/{name}", b"x" * 60) for name in ("entries.jsonl", "manifest.json")]
    archive = tmp_path / "b.tar"
    archive.write_bytes(_tar([*growing, _file("b/log.vkey", b"x" * 50)]))
    with unpacked(archive) as folder:
        assert (folder / "log.vkey").stat().st_size == 50
    archive.write_bytes(_tar([*growing, _file("b/log.vkey", b"x" * 51)]))
    assert "b/log.vkey: it has more than 50 bytes" in str(_by_the_program(archive))
