"""The one-file verifier: whose signature is asked for, and whose is refused."""

import sys
from pathlib import Path

import pytest

from tests.audit import auditor, bundles
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Signer

# ── keys, signatures, witnesses ──────────────────────────────────────────────────────────────────


def test_a_key_that_is_not_the_one_that_is_known_is_refused(desk: Desk, tmp_path: Path) -> None:
    files = bundles.whole(bundles.under_key(desk, FORGER), keys=[FORGER])
    assert auditor.wrong_in(files, tmp_path) == []
    assert "does not hold the key that you know" in auditor.first_in(
        files, tmp_path, keys=[LOG.vkey]
    )


def test_the_log_is_called_what_its_keys_are_called(desk: Desk, tmp_path: Path) -> None:
    files = bundles.whole(desk)
    files["checkpoint"] = bundles.head(desk.entries, LOG, origin="other.example")
    assert "is not what its keys are called" in auditor.first_in(
        bundles.listed_again(files), tmp_path
    )


def test_a_key_is_not_handed_over_by_a_note_that_somebody_has_added_a_signature_to(
    desk: Desk, tmp_path: Path
) -> None:
    # The forger has an old checkpoint, and writes on with a key of their own.
    forged = bundles.handed_over(desk, LOG, FORGER)
    files = bundles.whole(forged, keys=[LOG, FORGER], handovers=[20])
    assert auditor.first_in(files, tmp_path, keys=[LOG.vkey]) == (
        f"handovers/001: no entry in it hands over to {FORGER.vkey}"
    )


def test_a_handover_needs_both_signatures_its_entry_and_the_root_of_its_size(
    rotated: Desk, tmp_path: Path
) -> None:
    right = bundles.whole(rotated, keys=[LOG, NEXT], handovers=[21])

    def first(**files: bytes) -> str:
        named = {"handovers/001": right["handovers/001"], **files}
        return auditor.first_in(bundles.listed_again(right | named), tmp_path)

    for signer in (LOG, NEXT):
        found = first(**{"handovers/001": bundles.head(rotated.entries, signer)})
        assert "not both the old key and the new one" in found
    other = rotated.with_entries([bundles.edited(entry, actor="x") for entry in rotated.entries])
    found = first(**{"handovers/001": bundles.head(other.entries, LOG, NEXT)})
    assert "it is rewritten" in found
    assert "one for each new key" in first(**{"log.vkey": f"{NEXT.vkey}\n".encode()})
    assert "one for each new key" in first(**{"handovers/002": right["handovers/001"]})
    turned = f"{NEXT.vkey}\n{LOG.vkey}\n".encode()
    assert "has not signed it" in first(**{"log.vkey": turned})


def test_a_part_cannot_show_that_a_key_was_handed_over(rotated: Desk, tmp_path: Path) -> None:
    files = bundles.part(rotated, [2, 3], keys=[LOG, NEXT])
    files["handovers/001"] = bundles.head(rotated.entries, LOG, NEXT)
    files = bundles.listed_again(files)
    assert auditor.wrong_in(files, tmp_path, keys=[NEXT.vkey]) == []
    assert "a part of the record cannot show" in auditor.first_in(files, tmp_path, keys=[LOG.vkey])


def test_a_witness_that_is_asked_for_must_have_signed(desk: Desk, tmp_path: Path) -> None:
    other = Signer(name="witness.example/w2", seed=4, kind=4)
    files = bundles.whole(desk, witnesses=[WITNESS])
    assert auditor.wrong_in(files, tmp_path, witnesses=[WITNESS.vkey]) == []
    assert auditor.wrong_in(files, tmp_path, witnesses=[other.vkey]) == [
        f"checkpoint: {other.vkey} has not signed it"
    ]
    files["witnesses.vkey"] += f"{other.vkey}\n".encode()
    assert "has not signed it" in auditor.first_in(bundles.listed_again(files), tmp_path)


def test_no_signature_stands_in_a_bundle_that_nobody_can_check(desk: Desk, tmp_path: Path) -> None:
    files = bundles.whole(desk)
    text = files["checkpoint"].decode().partition("\n\n")[0] + "\n"
    files["checkpoint"] += WITNESS.line(text).encode()
    assert "signs with a key that the bundle has not" in auditor.first_in(
        bundles.listed_again(files), tmp_path
    )
    # A checkpoint that was held may have been signed by anybody beside the log.
    assert auditor.wrong_in(bundles.whole(desk), tmp_path, held=[files["checkpoint"]]) == []


def test_a_held_checkpoint_of_another_log_accuses_nobody(desk: Desk, tmp_path: Path) -> None:
    rewritten = [bundles.edited(entry, actor="x") for entry in desk.entries]
    held = [bundles.head(rewritten, FORGER, origin="other.example")]
    assert auditor.wrong_in(bundles.whole(desk), tmp_path, held=held) == [
        f"held: it is of another log, 'other.example': this one is '{LOG.name}'"
    ]
    told = auditor.told(tmp_path, keys=[LOG.vkey], held=held)
    assert any(line.startswith("signature of") for line in told["checked"])
    assert any(line.startswith("entries:") for line in told["checked"])


def test_a_held_checkpoint_that_the_log_has_not_signed_proves_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    held = [bundles.head(desk.entries, FORGER)]
    assert auditor.wrong_in(bundles.whole(desk), tmp_path, held=held) == [
        "held: no key of this log has signed it"
    ]


@pytest.mark.parametrize(
    "note",
    [
        "log.example/desk\n20\n{root}\n\n{line}\n",
        "log.example/desk\n020\n{root}\n\n{line}",
        "log.example/desk\n+20\n{root}\n\n{line}",
        "log.example/desk\n20\n{root}=\n\n{line}",
        "log.example/desk\n20\n\n{root}\n\n{line}",
        "log.example/desk\n20\n{root}\n{line}",
        "log.example/desk\n20\n{root}\n\n{line}{line}",
        "log.example/desk\n20\n{root}\n\n-{line}",
        "log.example/desk\r\n20\n{root}\n\n{line}",
        "\n20\n{root}\n\n{line}",
        "",
    ],
)
def test_a_checkpoint_is_read_in_its_one_form_alone(desk: Desk, note: str, tmp_path: Path) -> None:
    files = bundles.whole(desk)
    right = files["checkpoint"].decode()
    line = LOG.line(right.partition("\n\n")[0] + "\n")
    changed = note.format(root=right.split("\n")[2], line=line).encode()
    assert changed != files["checkpoint"]
    files["checkpoint"] = changed
    assert auditor.first_in(bundles.listed_again(files), tmp_path).startswith("checkpoint: ")


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
    files = bundles.whole(desk)
    assert auditor.wrong_in(files, tmp_path / "b") == [
        "signatures: NOT CHECKED: neither cryptography nor openssl is here"
    ]
    told = auditor.told(tmp_path / "b", no_signature=True)
    assert told["wrong"] == []
    assert "ANY SIGNATURE: whoever made this bundle could be anybody" in told["unchecked"]


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
