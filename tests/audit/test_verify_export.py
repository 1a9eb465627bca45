"""The one-file verifier: what is right is found right, whoever runs it and however it comes."""

import ast
import io
import json
import os
import sys
import tarfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incidents.audit.bundle import Order
from incidents.audit.export import Selection
from incidents.machine import commands as c
from tests.audit import auditor, bundles, signed_log
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Files, Signer
from tests.desk.rehearsal import rehearsal

# ── what is right ────────────────────────────────────────────────────────────────────────────────


def test_a_whole_bundle_is_found_right_and_what_was_not_checked_is_said(
    desk: Desk, tmp_path: Path
) -> None:
    files = bundles.whole(desk, witnesses=[WITNESS])
    told = auditor.told(bundles.write(files, tmp_path))
    assert told["wrong"] == []
    assert len(told["checked"]) == 5
    assert any("20, of 3 streams; the whole record" in sentence for sentence in told["checked"])
    assert [sentence.split(":")[0] for sentence in told["unchecked"]] == [
        "whose key this is",
        "who the witnesses are that were not named with --witness",
        "that history was not rewritten",
        "that the decisions follow from the policy",
    ]


def test_whoever_knows_key_witness_and_an_older_checkpoint_is_left_with_the_policy_alone(
    desk: Desk, tmp_path: Path
) -> None:
    bundles.write(bundles.whole(desk, witnesses=[WITNESS]), tmp_path)
    held = [bundles.head(desk.entries[:size], LOG) for size in (0, 7, 20)]
    told = auditor.told(tmp_path, keys=[LOG.vkey], witnesses=[WITNESS.vkey], held=held)
    assert told["wrong"] == []
    assert len(told["unchecked"]) == 1
    assert sum(sentence.startswith("held") for sentence in told["checked"]) == 3


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 512, 513])
def test_trees_of_each_shape_are_found_right(desk: Desk, size: int, tmp_path: Path) -> None:
    entries = [
        bundles.edited(desk.entries[2], site_seq=str(n), recorded_at="2026-03-01T10:00:00Z")
        for n in range(1, size)
    ]
    policies = {
        digest: toml for digest, toml in desk.policies.items() if bundles.is_documented(toml)
    }
    record = Desk((bundles.key_made(desk.entries[2], 1, LOG), *entries), policies)
    held = [bundles.head(record.entries[:n], LOG) for n in range(0, size + 1, 5)]
    assert auditor.wrong_in(bundles.whole(record), tmp_path, held=held) == []


@pytest.mark.parametrize("indexes", [[0], [19], [1, 9, 10], [0, 2, 3, 4, 5], [6], range(20)])
def test_a_part_is_found_right_by_its_proofs(
    desk: Desk, indexes: Sequence[int], tmp_path: Path
) -> None:
    files = bundles.part(desk, indexes, witnesses=[WITNESS])
    bundles.write(files, tmp_path)
    told = auditor.told(
        tmp_path, keys=[LOG.vkey], witnesses=[WITNESS.vkey], held=[files["checkpoint"]]
    )
    assert told["wrong"] == []
    assert any(
        sentence.startswith("report.html: it is for reading") for sentence in told["unchecked"]
    )


@pytest.mark.parametrize("known", [[], [LOG], [NEXT], [LOG, NEXT]])
def test_a_key_that_was_handed_over_is_followed_from_the_one_that_is_known(
    rotated: Desk, known: list[Signer], tmp_path: Path
) -> None:
    files = bundles.whole(rotated, keys=[LOG, NEXT], handovers=[21])
    held = [bundles.head(rotated.entries[:5], LOG)]
    assert auditor.wrong_in(files, tmp_path, keys=[key.vkey for key in known], held=held) == []


# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_that_is_missing_or_not_listed_is_named(desk: Desk, tmp_path: Path) -> None:
    right = bundles.whole(desk, witnesses=[WITNESS])
    for name in right:
        files = {path: data for path, data in right.items() if path != name}
        assert (
            auditor.first_in(files, tmp_path / "b") == f"{name}: it is missing"
            or name == "manifest.json"
        )
        if name != "manifest.json":
            assert auditor.wrong_in(bundles.listed_again(files), tmp_path / "b"), name
    for name in ("notes.txt", "tile/0/000", "policies/x", "proofs/1.tlog-proof"):
        files = right | {name: b"x"}
        assert auditor.first_in(files, tmp_path / "b") == f"{name!r}: the manifest does not list it"
        assert auditor.wrong_in(bundles.listed_again(files), tmp_path / "b"), name


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "tile/0/../../../x", "a//b", ""])
def test_a_manifest_that_names_what_lies_elsewhere_is_refused(
    desk: Desk, name: str, tmp_path: Path
) -> None:
    right = bundles.whole(desk)
    listed = bundles.listed(right | {name: b"x"}, 20, 20, is_whole=True)
    files = right | {"manifest.json": listed["manifest.json"]}
    assert len(auditor.wrong_in(files, tmp_path)) == 1


def test_what_is_no_plain_file_is_refused_and_never_opened(desk: Desk, tmp_path: Path) -> None:
    folder = bundles.write(bundles.whole(desk), tmp_path / "b")
    (folder / "checkpoint").rename(tmp_path / "checkpoint")
    (folder / "checkpoint").symlink_to(tmp_path / "checkpoint")
    assert auditor.wrong(folder) == ["'checkpoint': it is no plain file"]
    (folder / "checkpoint").unlink()
    os.mkfifo(folder / "checkpoint")
    assert auditor.wrong(folder) == ["'checkpoint': it is no plain file"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("entries", "19"), ("entries", 20), ("size", "21"), ("size", "020"), ("size", None),
        ("whole", False), ("whole", 1), ("format", "incidents-bundle/2"), ("files", []),
        ("more", "x"),
    ],
)  # fmt: skip
def test_each_field_of_the_manifest_is_compared_with_what_is_there(
    desk: Desk, field: str, value: object, tmp_path: Path
) -> None:
    files = bundles.whole(desk)
    said = json.loads(files["manifest.json"]) | {field: value}
    files["manifest.json"] = bundles.canonical(said) + b"\n"
    assert auditor.wrong_in(files, tmp_path)


# ── the command ──────────────────────────────────────────────────────────────────────────────────


def test_it_runs_with_the_standard_library_alone_and_knows_nothing_of_the_program() -> None:
    tree = ast.parse(auditor.SCRIPT.read_text(encoding="utf-8"))
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or "."] if isinstance(node, ast.ImportFrom) else _names(node))
    }
    assert imported <= sys.stdlib_module_names | {"__future__"}
    assert "incidents" not in imported


def _names(node: ast.Import) -> list[str]:
    return [alias.name for alias in node.names]


def test_its_exit_status_says_whether_it_is_verified_wrong_or_wrongly_used(
    desk: Desk, tmp_path: Path
) -> None:
    bundles.write(bundles.whole(desk, witnesses=[WITNESS]), tmp_path / "b")
    (tmp_path / "held").write_bytes(bundles.head(desk.entries[:5], LOG))
    (tmp_path / "keys").write_text(f"{LOG.vkey}\n", encoding="utf-8")
    asked = ["--key", "keys", "--witness", WITNESS.vkey, "--checkpoint", "held"]
    right = auditor.run("b", *asked, cwd=tmp_path)
    assert (right.returncode, right.stderr) == (0, "")
    assert "by the program openssl" in right.stdout
    assert right.stdout.endswith("\nverified\n")
    wrong = auditor.run("b", "--key", FORGER.vkey, "--json", cwd=tmp_path)
    assert (wrong.returncode, wrong.stderr) == (5, "")
    document = json.loads(wrong.stdout)
    assert document["verified"] is False
    assert [sorted(finding) for finding in document["wrong"]] == [["what", "where"]]
    for used in (
        [], ["nowhere"], ["b", "--key", "x"], ["b", "--checkpoint", "nowhere"],
        ["b", "--checkpoint", "keys"], ["b", "--witness", LOG.vkey],
    ):  # fmt: skip
        refused = auditor.run(*used, cwd=tmp_path)
        assert refused.returncode == 2, used
        assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("above", ["", "bundle/"])
@pytest.mark.parametrize("ending", [".tar", ".tar.zst"])
def test_an_archive_is_unpacked_and_verified(
    desk: Desk, ending: str, above: str, tmp_path: Path
) -> None:
    archive = _archive(bundles.whole(desk), tmp_path / f"b{ending}", above)
    ran = auditor.run(archive, cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.parametrize("name", ["../out", "/tmp/incidents-out", "a/../../out", "-rf", "a b"])
def test_an_archive_writes_nothing_outside_of_its_folder(
    desk: Desk, name: str, tmp_path: Path
) -> None:
    if name == "-rf":
        name = "./../-rf"
    archive = _archive(bundles.whole(desk) | {name: b"x"}, tmp_path / "b.tar", "")
    ran = auditor.run(archive, cwd=tmp_path)
    assert ran.returncode == 5
    assert "no plain file below the bundle" in ran.stdout
    assert list(tmp_path.iterdir()) == [archive]
    assert not Path("/tmp/incidents-out").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_an_archive_holds_no_links(desk: Desk, kind: bytes, tmp_path: Path) -> None:
    archive = _archive(bundles.whole(desk), tmp_path / "b.tar", "", link=kind)
    ran = auditor.run(archive, cwd=tmp_path)
    assert ran.returncode == 5
    assert "no plain file below the bundle" in ran.stdout


@pytest.mark.parametrize("ending", [".tar", ".tar.zst"])
def test_an_archive_that_is_cut_or_holds_a_file_twice_is_refused(
    desk: Desk, ending: str, tmp_path: Path
) -> None:
    archive = _archive(bundles.whole(desk), tmp_path / f"b{ending}", "")
    archive.write_bytes(archive.read_bytes()[:3_000])
    assert auditor.run(archive).returncode == 5
    archive.write_bytes(b"no archive at all")
    assert auditor.run(archive).returncode == 5
    twice = [("checkpoint", b"x"), *bundles.whole(desk).items()]
    _archive(twice, archive, "")
    assert auditor.run(archive).returncode == 5


def _archive(
    files: Files | list[tuple[str, bytes]], target: Path, above: str, link: bytes | None = None
) -> Path:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, data in files.items() if isinstance(files, dict) else files:
            member = tarfile.TarInfo(above + name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
        if link is not None:
            member = tarfile.TarInfo("stamps/1.tsr")
            member.type, member.linkname = link, "checkpoint"
            tar.addfile(member)
    data = plain.getvalue()
    target.write_bytes(zstandard.compress(data) if target.suffix == ".zst" else data)
    return target


def test_more_entries_need_no_more_memory(desk: Desk, tmp_path: Path) -> None:
    def peak(n: int) -> int:
        entries = [bundles.edited(desk.entries[2], site_seq=str(k + 1)) for k in range(n)]
        entries.append(bundles.key_made(desk.entries[2], 1, LOG))
        policies = {
            digest: toml for digest, toml in desk.policies.items() if bundles.is_documented(toml)
        }
        bundles.write(bundles.whole(Desk(tuple(entries), policies)), tmp_path / str(n))
        tracemalloc.start()
        assert auditor.wrong(tmp_path / str(n)) == []
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(9_000) < peak(1_500) * 1.3


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_file_it_is_refused_and_nothing_breaks(
    desk: Desk, memory: Path, data: st.DataObject
) -> None:
    files = data.draw(st.sampled_from([bundles.whole(desk), bundles.part(desk, [2, 3])]))
    name = data.draw(st.sampled_from(sorted(files.keys() - {"report.html"})))
    begin = data.draw(st.integers(0, len(files[name])))
    end = data.draw(st.integers(begin, min(begin + 100, len(files[name]))))
    new = data.draw(st.binary(max_size=50) | st.text(max_size=20).map(str.encode))
    changed = files[name][:begin] + new + files[name][end:]
    listed = files | {name: changed}
    if name != "manifest.json":
        listed = bundles.listed_again(listed)
    assert bool(auditor.wrong_in(listed, memory / "any")) == (changed != files[name])


# ── what the program itself exports ──────────────────────────────────────────────────────────────


@pytest.fixture
def exported(sqlite_url: str, tmp_path: Path) -> Path:
    """A folder with what `audit export --format bundle` writes: whole and a part, both ways."""
    with rehearsal(sqlite_url) as day:
        signed_log.a_case(day)
        signed_log.sign(day)
        signed_log.put_key(day, NEXT, LOG)
        held = signed_log.sign(day, LOG, NEXT)
        day.elapse()
        day.give(c.Log(by="li", again=True), "shop.example")
        signed_log.sign(day, NEXT, witnesses=[WITNESS])
        for ending in ("", ".tar.zst"):
            signed_log.export(day, tmp_path / f"whole{ending}")
            part = Order(wanted=Selection(site_id=1))
            signed_log.export(day, tmp_path / f"part{ending}", part)
    (tmp_path / "held").write_bytes(held)
    return tmp_path


@pytest.mark.parametrize("ending", ["", ".tar.zst"])
def test_what_the_program_exports_is_verified_as_a_folder_and_as_an_archive(
    exported: Path, ending: str
) -> None:
    asked = ["--key", LOG.vkey, "--checkpoint", "held", "--witness", WITNESS.vkey]
    whole = auditor.run(f"whole{ending}", *asked, cwd=exported)
    assert (whole.returncode, whole.stderr) == (0, "")
    part = auditor.run(f"part{ending}", "--key", NEXT.vkey, cwd=exported)
    assert (part.returncode, part.stderr) == (0, "")


@pytest.mark.parametrize("name", ["whole", "part"])
def test_flipped_bytes_of_what_the_program_exports_are_found(exported: Path, name: str) -> None:
    files = bundles.read(exported / name)
    draw = Random(7)
    for path in files.keys() - {"manifest.json", "report.html"}:
        for place in draw.sample(range(len(files[path])), 5):
            changed = files | {path: bundles.flipped(files[path], place)}
            listed = bundles.listed_again(changed)
            bundles.write({key: listed[key] for key in (path, "manifest.json")}, exported / name)
            assert auditor.wrong(exported / name), (path, place)
        bundles.write({path: files[path]}, exported / name)
