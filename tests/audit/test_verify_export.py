"""The one-file verifier: what it says, its command, and the tools that it leans on.

What both verifiers find right or wrong stands in test_bundle_alterations, _archives, _tampering.
"""

import ast
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from subprocess import PIPE

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audit import auditor, bundles, verifying
from tests.audit.bundles import FORGER, LOG, WITNESS, Desk

# ── what it says ─────────────────────────────────────────────────────────────────────────────────


def test_a_whole_bundle_is_found_right_and_what_was_not_checked_is_said(
    desk: Desk, tmp_path: Path
) -> None:
    files = bundles.whole(desk, witnesses=[WITNESS])
    told = auditor.told(bundles.write(files, tmp_path))
    assert told["wrong"] == []
    assert len(told["checked"]) == 5
    assert (
        "entries: 20, of 2 sites and the desk itself; all 20 that the checkpoint covers"
        in told["checked"]
    )
    assert [sentence.split(":")[0] for sentence in told["unchecked"]] == [
        "whose key this is",
        "who the witnesses are that were not named with --witness",
        "that history was not rewritten",
        "that the decisions follow from the policy",
    ]
    # Whoever knows key, witness and an older checkpoint is left with the policy alone.
    held = [bundles.head(desk.entries[:size], LOG) for size in (0, 7, 20)]
    told = auditor.told(tmp_path, keys=[LOG.vkey], witnesses=[WITNESS.vkey], held=held)
    assert told["wrong"] == []
    assert len(told["unchecked"]) == 1
    assert sum(sentence.startswith("held") for sentence in told["checked"]) == 3


def test_of_a_part_the_report_is_said_to_be_for_reading(desk: Desk, tmp_path: Path) -> None:
    told = auditor.told(bundles.write(bundles.part(desk, [1, 9, 10]), tmp_path))
    assert told["wrong"] == []
    assert any(said.startswith("report.html: it is for reading") for said in told["unchecked"])


def test_a_held_checkpoint_of_another_log_accuses_nobody(desk: Desk, tmp_path: Path) -> None:
    held = [bundles.head(desk.entries, FORGER, origin="other.example")]
    bundles.write(bundles.whole(desk), tmp_path)
    told = auditor.told(tmp_path, keys=[LOG.vkey], held=held)
    assert len(told["wrong"]) == 1
    assert any(line.startswith("signature of") for line in told["checked"])
    assert any(line.startswith("entries:") for line in told["checked"])


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
    right = auditor.process("b", *asked, cwd=tmp_path)
    assert (right.returncode, right.stderr) == (0, "")
    assert "by the program openssl" in right.stdout
    assert right.stdout.endswith("\nverified\n")
    wrong = auditor.process("b", "--key", FORGER.vkey, "--json", cwd=tmp_path)
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


@pytest.mark.parametrize("words", [["b"], ["b", "--json"], ["--help"]])
def test_what_cannot_be_written_is_told_in_one_sentence_or_to_nobody(
    words: list[str], desk: Desk, tmp_path: Path
) -> None:
    bundles.write(bundles.whole(desk), tmp_path / "b")
    line = [sys.executable, str(auditor.SCRIPT), *words]
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(line, cwd=tmp_path, stdout=full, stderr=PIPE, text=True, check=False)
    assert told.returncode == 1
    assert told.stderr == "what came of it cannot be written: No space left on device\n"
    reader, pipe = os.pipe()
    os.close(reader)
    gone = subprocess.run(line, cwd=tmp_path, stdout=pipe, stderr=PIPE, text=True, check=False)
    os.close(pipe)
    assert (gone.returncode, gone.stderr) == (1, "")


@pytest.mark.parametrize(
    ("given", "status", "told"),
    [
        (["march"], 2, "no such file: march\n"),
        (["b", "--key", "log.vkey"], 2, "no such file: log.vkey\n"),
        (["b", "--checkpoint", "held"], 2, "no such file: held\n"),
        (["b", "--checkpoint", "b"], 2, "b: Is a directory\n"),
        (["b"], 5, "WRONG        b: it has no manifest.json: is it a bundle?\n"),
        (["lines.jsonl"], 5, "JSON lines, and no bundle: export with --format bundle\n"),
        (["lines.tar"], 5, "JSON lines, and no bundle: export with --format bundle\n"),
    ],
)
def test_what_is_not_there_or_is_something_else_is_named_with_why(
    given: list[str], status: int, told: str, tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    for name, lines in (("lines.jsonl", 1), ("lines.tar", 100)):
        (tmp_path / name).write_text('{"seq":1,"site":"shop.example"}\n' * lines, encoding="utf-8")
    answer = auditor.run(*given, cwd=tmp_path)
    assert answer.returncode == status
    assert told in answer.stdout + answer.stderr


def test_more_entries_need_no_more_memory(desk: Desk, tmp_path: Path) -> None:
    def peak(n: int) -> int:
        bundles.write(bundles.whole(bundles.many(desk, n)), tmp_path / str(n))
        tracemalloc.start()
        assert auditor.wrong(tmp_path / str(n)) == []
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(3_000) < peak(600) * 1.3


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_file_both_verifiers_refuse_it_and_nothing_breaks(
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
    folder = bundles.rewrite(listed, memory / "any")
    assert bool(auditor.wrong(folder)) == (changed != files[name])
    assert bool(verifying.wrong(folder)) == (changed != files[name])


# ── what checks signatures ───────────────────────────────────────────────────────────────────────


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
    assert (ran.returncode, ran.stderr) == (6, "")
    said = "NOT CHECKED  signatures: --key and --witness need them: check again without --no-sig"
    assert said in ran.stdout


@pytest.mark.parametrize("tool", ["_by_cryptography", "_by_openssl"])
def test_both_tools_take_a_right_signature_and_refuse_each_other_one(tool: str) -> None:
    valid = getattr(auditor.script, tool)
    key = auditor.script.Key.read(LOG.vkey, "given", 1)
    note = auditor.script.Checkpoint.read(bundles.head([b"{}"], LOG), "held")
    [signature] = note.signatures.values()
    message = note.text.encode()
    assert valid(key.public, message, signature)
    assert not valid(key.public, message + b"x", signature)
    assert not valid(key.public, message, bundles.flipped(signature, 5))
    assert not valid(bundles.flipped(key.public, 3), message, signature)
    assert not valid(key.public, message, bytes(64))
    assert not valid(bytes(32), message, signature)


def test_without_a_tool_that_checks_signatures_nothing_is_verified_unless_that_is_asked_for(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditor.script, "ed25519", lambda: None)
    folder = bundles.write(bundles.whole(desk), tmp_path / "b")
    told = auditor.told(folder)
    assert told["wrong"] == []
    assert told["missing"] == [
        "signatures: install openssl or the library cryptography, and check again"
    ]
    assert "ANY SIGNATURE: whoever made this bundle could be anybody" in told["unchecked"]
    told = auditor.told(folder, no_signature=True)
    assert told["wrong"] == []
    assert "ANY SIGNATURE: whoever made this bundle could be anybody" in told["unchecked"]


def test_what_cannot_be_checked_here_has_a_status_of_its_own_and_is_not_called_wrong(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auditor.script, "ed25519", lambda: None)
    files = bundles.whole(desk)
    folder = bundles.write(files, tmp_path / "b")
    ran = auditor.run(folder)
    assert (ran.returncode, ran.stderr) == (6, "")
    assert "WRONG" not in ran.stdout
    assert ran.stdout.splitlines()[-2:] == [
        "NOT CHECKED  signatures: install openssl or the library cryptography, and check again",
        "NOT VERIFIED: nothing checked is wrong, but not everything could be checked here",
    ]
    document = json.loads(auditor.run(folder, "--json").stdout)
    assert (document["verified"], document["wrong"]) == (False, [])
    assert [each["where"] for each in document["missing"]] == ["signatures"]
    (folder / "entries.jsonl").write_bytes(files["entries.jsonl"].replace(b"li", b"wu"))
    changed = auditor.run(folder)
    assert changed.returncode == 5
    assert changed.stdout.endswith("\nNOT VERIFIED\n")


def test_without_zstd_an_archive_is_not_called_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    archive = tmp_path / "b.tar.zst"
    archive.write_bytes(b"")
    ran = auditor.run(archive)
    assert ran.returncode == 6
    assert "no program zstd here: unpack it yourself, and check the folder" in ran.stdout


def test_openssl_is_asked_where_there_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    name, _ = auditor.script.ed25519()
    assert name == "the library cryptography"
    for module in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    name, _ = auditor.script.ed25519()
    assert name == "the program openssl"
    monkeypatch.setenv("PATH", "")
    assert auditor.script.ed25519() is None


KEYS_OF_ONE_ID = (
    "witness.example+a6ef33c6+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAONp",
    "witness.example+a6ef33c6+BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAARC+",
)
"""An id has 32 bits: among some 80,000 keys two have the same one."""


def test_two_keys_with_one_name_and_one_id_are_refused(desk: Desk, tmp_path: Path) -> None:
    one, other = KEYS_OF_ONE_ID
    files = bundles.whole(desk, witnesses=[WITNESS])
    files["witnesses.vkey"] += f"{one}\n{other}\n".encode()
    assert auditor.first_in(bundles.listed_again(files), tmp_path) == (
        f"checkpoint: {one} and {other} cannot be told apart by their id"
    )
    assert verifying.wrong(tmp_path)
