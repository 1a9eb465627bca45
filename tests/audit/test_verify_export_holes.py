"""The one-file verifier: the holes that a reviewer has found in it stay closed."""

import base64
import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import pytest
import zstandard

from tests.audit import auditor, bundles
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk

# ── whose log it is ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("known", [[], [LOG.vkey]])
def test_a_key_that_has_handed_over_signs_no_more(
    rotated: Desk, known: list[str], tmp_path: Path
) -> None:
    assert auditor.wrong_in(bundles.whole(rotated), tmp_path, keys=known) == [
        f"log.vkey: these are not the last keys that entries name: {LOG.vkey}, {NEXT.vkey}"
    ]


def test_until_the_entry_that_hands_over_the_old_key_signs(rotated: Desk, tmp_path: Path) -> None:
    before = rotated.with_entries(rotated.entries[:-1])
    assert auditor.wrong_in(bundles.whole(before), tmp_path, keys=[LOG.vkey]) == []


def test_behind_a_key_that_was_lost_the_keys_begin_anew(rotated: Desk, tmp_path: Path) -> None:
    files = bundles.whole(rotated, keys=[NEXT])
    assert auditor.wrong_in(files, tmp_path, keys=[NEXT.vkey]) == []
    assert "does not hold the key" in auditor.first_in(files, tmp_path, keys=[LOG.vkey])


def test_a_key_that_no_entry_names_speaks_for_no_log(desk: Desk, tmp_path: Path) -> None:
    for record in (desk.with_entries(desk.entries[:1]), Desk((), {})):
        policies = {n: t for n, t in record.policies.items() if bundles.is_documented(t)}
        files = bundles.whole(Desk(record.entries, policies))
        assert auditor.wrong_in(files, tmp_path, keys=[LOG.vkey]) == [
            "log.vkey: these are not the last keys that entries name: none"
        ]


def test_a_key_takes_the_place_of_the_last_one_alone_and_never_comes_again(
    desk: Desk, rotated: Desk, tmp_path: Path
) -> None:
    again = bundles.handed_over(rotated, NEXT, LOG)
    assert "was the log's key before" in auditor.first_in(bundles.whole(again), tmp_path)
    beside = bundles.handed_over(desk, FORGER, NEXT)
    found = auditor.first_in(bundles.whole(beside, keys=[NEXT]), tmp_path)
    assert found.startswith("entries.jsonl, line 21: it replaces ")
    assert found.endswith("which is not the last key")


def test_two_keys_with_one_name_and_one_id_are_refused(desk: Desk, tmp_path: Path) -> None:
    # An id has 32 bits: among some 80,000 keys two have the same one.
    name, seen = WITNESS.name, dict[bytes, bytes]()
    for n in count():
        typed = b"\4" + n.to_bytes(32, "big")
        key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
        if key_id in seen:
            break
        seen[key_id] = typed
    texts = [
        f"{name}+{key_id.hex()}+{base64.b64encode(each).decode()}" for each in (seen[key_id], typed)
    ]
    files = bundles.whole(desk, witnesses=[WITNESS])
    files["witnesses.vkey"] += "".join(f"{text}\n" for text in texts).encode()
    assert auditor.first_in(bundles.listed_again(files), tmp_path) == (
        f"checkpoint: {texts[0]} and {texts[1]} cannot be told apart by their id"
    )


# ── what is asked for, and is nothing ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("known", [[], [LOG.vkey]])
def test_a_part_without_an_entry_proves_nothing(
    desk: Desk, known: list[str], tmp_path: Path
) -> None:
    files = bundles.part(desk, [])
    assert auditor.wrong_in(files, tmp_path, keys=known) == [
        "entries.jsonl: it holds no entry, and so it proves nothing"
    ]


@pytest.mark.parametrize("asked", [["--key", LOG.vkey], ["--witness", WITNESS.vkey]])
def test_a_key_that_is_asked_for_is_not_shown_without_signatures(
    desk: Desk, asked: list[str], tmp_path: Path
) -> None:
    files = bundles.whole(desk, witnesses=[WITNESS])
    text = files["checkpoint"].decode().partition("\n\n")[0] + "\n"
    # Signatures that nobody has made, under the names of keys that are known.
    forged = [line[:-70] + "A" * 67 + line[-3:] for line in (LOG.line(text), WITNESS.line(text))]
    files["checkpoint"] = "".join([text, "\n", *forged]).encode()
    folder = bundles.write(bundles.listed_again(files), tmp_path / "b")
    assert auditor.run(folder, "--no-signature").returncode == 0
    ran = auditor.run(folder, "--no-signature", *asked)
    assert (ran.returncode, ran.stderr) == (5, "")
    assert "NOT CHECKED: so what is asked for with --key or --witness is not shown" in ran.stdout


@pytest.mark.parametrize("lines_too", [True, False])
def test_a_tail_that_is_blanked_in_lines_and_tiles_of_entries_is_found(
    desk: Desk, lines_too: bool, tmp_path: Path
) -> None:
    entries = [
        bundles.key_made(desk.entries[2], 1, LOG),
        *(bundles.edited(desk.entries[2], site_seq=str(n)) for n in range(1, 300)),
    ]
    policies = {n: t for n, t in desk.policies.items() if bundles.is_documented(t)}
    files = bundles.whole(Desk(tuple(entries), policies))
    assert auditor.wrong_in(files, tmp_path, keys=[LOG.vkey]) == []
    # Each begins with a length that leads nowhere, as long as the manifest is made anew.
    files["tile/entries/001.p/44"] = b"\xff" * 2 * 44
    if lines_too:
        lines = files["entries.jsonl"].split(b"\n")
        files["entries.jsonl"] = b"\n".join(lines[:256]) + b"\n" * 45
    first = auditor.first_in(bundles.listed_again(files), tmp_path, keys=[LOG.vkey])
    wrong = "entries.jsonl, line 257: it is no JSON" if lines_too else "tile/entries/001.p/44: "
    assert first.startswith(wrong)


# ── archives ─────────────────────────────────────────────────────────────────────────────────────


def _tar(desk: Desk, *more: tarfile.TarInfo) -> bytes:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in bundles.whole(desk).items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        for member in more:
            tar.addfile(member)
    return plain.getvalue()


def _wrong(data: bytes, file: Path) -> str:
    file.write_bytes(data)
    ran = auditor.run(file)
    assert (ran.returncode, ran.stderr) == (5, ""), ran
    return ran.stdout


def _member(kind: bytes, headers: Iterable[tuple[str, str]] = ()) -> tarfile.TarInfo:
    member = tarfile.TarInfo("stamps/1.tsr")
    member.type, member.pax_headers = kind, dict(headers)
    return member


@pytest.mark.parametrize(
    "member",
    [
        _member(tarfile.CONTTYPE), _member(tarfile.GNUTYPE_SPARSE), _member(tarfile.CHRTYPE),
        _member(b"Z"),
        _member(tarfile.REGTYPE, [("GNU.sparse.map", "0,0"), ("GNU.sparse.size", "99999999")]),
    ],
)  # fmt: skip
def test_an_archive_holds_plain_files_without_holes(
    desk: Desk, member: tarfile.TarInfo, tmp_path: Path
) -> None:
    said = _wrong(_tar(desk, member), tmp_path / "b.tar")
    assert "'stamps/1.tsr': it is no plain file below the bundle" in said


def test_an_archive_made_by_the_program_tar_is_unpacked(desk: Desk, tmp_path: Path) -> None:
    folder = bundles.write(bundles.whole(desk), tmp_path / "b")
    os.utime(folder / "checkpoint", ns=(1, 1))
    for kind in ("gnu", "pax", "ustar"):
        command = ["tar", f"--format={kind}", "-cf", f"{kind}.tar", folder.name]
        subprocess.run(command, cwd=tmp_path, check=True)
        ran = auditor.run(tmp_path / f"{kind}.tar")
        assert (ran.returncode, ran.stderr) == (0, ""), ran


def test_an_archive_unpacks_to_so_many_bytes_and_no_more(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "b.tar"
    archive.write_bytes(_tar(desk))
    files = bundles.whole(desk).values()
    most = sum(max(len(data), 4096) for data in files)
    monkeypatch.setattr(auditor.script, "MOST_UNPACKED", most)
    assert auditor.wrong(auditor.script.unpacked(archive, tmp_path / "a")) == []
    monkeypatch.setattr(auditor.script, "MOST_UNPACKED", most - 1)
    with pytest.raises(auditor.script.WrongError, match=f"more than {most - 1} bytes"):
        auditor.script.unpacked(archive, tmp_path / "b")


def test_a_file_is_refused_by_the_size_it_says_before_it_is_written(tmp_path: Path) -> None:
    member = tarfile.TarInfo("stamps/1.tsr")
    member.size = 1 << 40
    said = _wrong(member.tobuf(tarfile.GNU_FORMAT), tmp_path / "b.tar")
    assert f"take more than {16 << 30} bytes" in said
    # So is what says more of a file, which would be held in memory.
    member.type = tarfile.XHDTYPE
    assert "no plain file" in _wrong(member.tobuf(tarfile.GNU_FORMAT), tmp_path / "b.tar")
    member.type, member.size = tarfile.REGTYPE, -512
    assert "below zero" in _wrong(member.tobuf(tarfile.GNU_FORMAT), tmp_path / "b.tar")


@pytest.mark.parametrize("ending", [".tar", ".tar.zst"])
@pytest.mark.parametrize("more", [b"more", b"\0" * 20_000 + b"m", b"\0" * 1_100_000])
def test_an_archive_holds_nothing_behind_its_end(
    desk: Desk, ending: str, more: bytes, tmp_path: Path
) -> None:
    data = _tar(desk) + more
    if ending == ".tar.zst":
        data = zstandard.compress(data)
    assert "goes on after the end of the archive" in _wrong(data, tmp_path / f"b{ending}")


def test_what_stands_in_place_of_the_end_is_no_end(desk: Desk, tmp_path: Path) -> None:
    right = _tar(desk)
    members = len(right.rstrip(b"\0"))
    members += -members % 512
    garbage = right[:members] + b"x" * 512 + right[members + 512 :]
    assert "a header is wrong" in _wrong(garbage, tmp_path / "b.tar")
    assert "it is cut" in _wrong(right[:members], tmp_path / "b.tar")


@pytest.mark.parametrize("damage", ["garbage behind it", "its checksum is wrong", "cut"])
def test_what_zstd_cannot_read_to_its_end_is_refused(
    desk: Desk, damage: str, tmp_path: Path
) -> None:
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(_tar(desk))
    (tmp_path / "right.tar.zst").write_bytes(packed)
    assert auditor.run(tmp_path / "right.tar.zst").returncode == 0
    changed = {
        "garbage behind it": packed + b"garbage behind it",
        "its checksum is wrong": bundles.flipped(packed, len(packed) - 1),
        "cut": packed[:-4],
    }[damage]
    said = _wrong(changed, tmp_path / "b.tar.zst")
    # What it writes of a block that is wrong is its own affair: all but the end, or nothing.
    assert "zstd cannot read it all: exit status 1" in said or "archive: it is cut" in said


def test_a_bundle_says_the_same_as_a_folder_and_as_an_archive(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(_tar(desk))
    folder = bundles.write(bundles.whole(desk), tmp_path / "b")
    told = [json.loads(auditor.run(of, "--json").stdout) for of in (folder, tmp_path / "b.tar")]
    assert told[0] == told[1]
    assert told[0]["verified"]
