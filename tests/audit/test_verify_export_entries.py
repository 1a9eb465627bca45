"""The one-file verifier: what is no entry in its place, no proof or no policy is refused."""

import json
from pathlib import Path

import pytest

from tests.audit import auditor, bundles
from tests.audit.bundles import LOG, Desk, Files

# ── what an entry must be ────────────────────────────────────────────────────────────────────────


def _lines(desk: Desk, folder: Path, *lines: bytes) -> str:
    """What is wrong with a record that begins with these lines, however it came about."""
    record = Desk(lines, desk.policies)
    return auditor.first_in(bundles.whole(record), folder)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"v":1', b'"v":1,"v":1', "canonical"),
        (b'{"actor"', b'{ "actor"', "canonical"),
        (b'{"actor":"li",', b'{"actor":"l\\u0069",', "canonical"),
        (b'"actor":"li","data"', b'"actor":"l\\/i","data"', "canonical"),
        (b'"v":1}', b'"v":1} ', "canonical"),
        (b'"v":1}', b'"v":1}\r', "canonical"),
        (b'"v":1}', b'"a":1,"v":1}', "canonical"),
        (b'"v":1', b'"v":1.0', "no JSON"),
        (b'"v":1', b'"v":1e0', "no JSON"),
        (b'"v":1', b'"v":NaN', "no JSON"),
        (b'"v":1', b'"v":-Infinity', "no JSON"),
        (b'"v":1', b'"v":-0', "canonical"),
        (b'"v":1', b'"v":9007199254740992', "no JSON"),
        (b'"v":1', b'"v":' + b"9" * 5_000, "no JSON"),
        (b'"v":1', b'"v":' + b"[" * 20_000, "no JSON"),
        (b'"v":1', b'"v":"\xff"', "no JSON"),
        (b'"v":1', b'"v":"\\ud800"', "canonical"),
        (b'"v":1', b'"v":2', "version 1"),
        (b'"v":1', b'"v":true', "version 1"),
        (b'"v":1', '"v":1,"é":1'.encode(), "ASCII"),
        (b'"data":{', '"data":{"":{"é":1},'.encode(), "ASCII"),
        (b'"actor":"li"', b'"actor":null', "its actor"),
        (b'"kind":"incident_logged",', b"", "its kind"),
        (b'"site_id":"1"', b'"site_id":1', "its site_id"),
        (b'"site_id":"1"', b'"site_id":"01"', "no number"),
        (b'"site_seq":"2"', b'"site_seq":"-2"', "no number"),
        (b'"site_seq":"2"', b'"site_seq":"3"', "number 2 of 'a.example' was due"),
        (b'"site_seq":"2"', b'"site_seq":"1"', "number 2 of 'a.example' was due"),
        (b'"site":"a.example"', b'"site":"b.example"', "cannot be called"),
        (b'"site":"a.example"', b'"site":""', "cannot be called"),
        (b'"site_id":"1","site_seq":"2"', b'"site_id":"2","site_seq":"1"', "cannot be called"),
        (b'"site_id":"1"', b'"site_id":"0"', "cannot be called"),
        (b'"policy":"sha256:c', b'"policy":"sha256:C', "no digest"),
        (b':00Z","policy"', b':00","policy"', "no time"),
        (b':00Z","policy"', b':00.0Z","policy"', "no time"),
        (b':00Z","policy"', b':00.000000Z","policy"', "no time"),
        (b':00Z","policy"', b':60Z","policy"', "no time"),
        (b'"recorded_at":"2026-03', b'"recorded_at":"2026-13', "no time"),
        (b'"recorded_at":"2026-03', b'"recorded_at":"2026-02', "before the one before it"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_entry_in_its_place_is_refused_also_with_a_right_tree(
    desk: Desk, old: bytes, new: bytes, what: str, tmp_path: Path
) -> None:
    entry = desk.entries[2]
    assert entry.count(old) == 1
    found = _lines(desk, tmp_path, desk.entries[0], entry.replace(old, new))
    assert found.startswith("entries.jsonl, line 2: ")
    assert what in found


def test_a_fraction_of_a_second_is_later_than_none(desk: Desk, tmp_path: Path) -> None:
    entries = [
        bundles.edited(desk.entries[2], site_seq=str(n), recorded_at=f"2026-03-01T10:00:{at}Z")
        for n, at in enumerate(("00", "00.000001", "00.100000", "01"), 1)
    ]
    assert auditor.first_in(
        bundles.whole(Desk(tuple(entries), desk.policies)), tmp_path / "a"
    ).endswith("no entry names this policy")
    entries[1:3] = [bundles.edited(entries[n], site_seq=str(3 - n + 1)) for n in (2, 1)]
    assert "before the one before it" in _lines(desk, tmp_path / "b", *entries)


def test_an_entry_of_65_535_bytes_is_the_largest(desk: Desk, tmp_path: Path) -> None:
    def entry(size: int) -> bytes:
        short = bundles.edited(desk.entries[0], data={"x": ""})
        return bundles.edited(desk.entries[0], data={"x": "x" * (size - len(short))})

    made = bundles.key_made(desk.entries[0], 1, LOG)
    policies = {
        digest: toml for digest, toml in desk.policies.items() if bundles.is_documented(toml)
    }
    files = bundles.whole(Desk((entry(65_535), made), policies))
    assert auditor.wrong_in(files, tmp_path / "a") == []
    files["entries.jsonl"] = entry(65_536) + b"\n"
    assert auditor.first_in(bundles.listed_again(files), tmp_path / "b") == (
        "entries.jsonl, line 1: it has no end, or more than 65535 bytes"
    )
    files["entries.jsonl"] = entry(65_535)
    assert "no end" in auditor.first_in(bundles.listed_again(files), tmp_path / "c")


# ── a part ───────────────────────────────────────────────────────────────────────────────────────


def test_a_proof_of_another_entry_another_tree_or_none_is_refused(
    desk: Desk, tmp_path: Path
) -> None:
    right = bundles.part(desk, [2, 3, 4])
    smaller = bundles.part(desk.with_entries(desk.entries[:10]), [2, 3, 4])
    name = "proofs/3.tlog-proof"

    def first(data: bytes) -> str:
        return auditor.first_in(bundles.listed_again(right | {name: data}), tmp_path)

    assert "no proof of the entry at index 3" in first(right["proofs/2.tlog-proof"])
    assert "another checkpoint" in first(smaller[name])
    another = smaller[name].partition(b"\n\n")[0] + b"\n\n" + right["checkpoint"]
    assert "does not lead" in first(another)
    lines = right[name].split(b"\n")
    assert "does not lead" in first(b"\n".join(lines[:2] + lines[3:]))
    assert "does not lead" in first(b"\n".join(lines[:2] + lines[2:3] + lines[2:]))
    assert "no proof" in first(b"\n".join([lines[0], b"extra eA==", *lines[1:]]))
    without = {path: data for path, data in right.items() if path != name}
    assert auditor.wrong_in(bundles.listed_again(without), tmp_path)


def test_an_entry_that_is_left_out_between_two_of_its_site_is_found_in_a_part(
    desk: Desk, tmp_path: Path
) -> None:
    assert auditor.first_in(bundles.part(desk, [2, 4]), tmp_path) == (
        "entries.jsonl, line 2: number 3 of 'a.example' was due, and this is number 4"
    )


def test_a_part_cannot_be_compared_with_a_checkpoint_of_another_size(
    desk: Desk, tmp_path: Path
) -> None:
    files = bundles.part(desk, [2, 3])
    held = [bundles.head(desk.entries[:19], LOG)]
    assert auditor.wrong_in(files, tmp_path, held=held) == [
        "held: a part of the record can be compared at its own size alone"
    ]
    rewritten = desk.with_entries([bundles.edited(entry, actor="x") for entry in desk.entries])
    held = [bundles.head(rewritten.entries, LOG)]
    assert "it is rewritten" in auditor.first_in(files, tmp_path, held=held)


# ── policies ─────────────────────────────────────────────────────────────────────────────────────


def test_the_text_of_each_policy_is_there_and_is_what_its_name_is_the_digest_of(
    desk: Desk, tmp_path: Path
) -> None:
    right = bundles.whole(desk)
    # The second one is activated by an entry, the first one is what a desk begins with.
    one, two = (name for name in right if name.startswith("policies/"))

    def first(files: Files) -> str:
        return auditor.first_in(bundles.listed_again(files), tmp_path)

    without = {path: data for path, data in right.items() if path != one}
    assert first(without) == f"{one}: it is missing"
    assert "digest" in first(right | {one: right[one].replace(b"count = 3", b"count = 2")})
    # The same is said in another way: no byte is free.
    assert "digest" in first(right | {one: right[one] + b"\n"})
    assert "digest" in first(right | {one: right[one] + b"# a remark\n"})
    assert "another text" in first(right | {two: right[two] + b"# a remark\n"})
    assert "digest" in first(right | {one: right[two]})
    assert "UTF-8" in first(right | {one: b"\xff"})
    assert "no policy" in first(right | {one: b"["})
    assert "no policy" in first(right | {one: b"a = 1979-05-27\n"})
    unnamed = bundles.canonical({"a": {"b": 1}})
    name = f"policies/{auditor.script.sha256(unnamed).hex()}.toml"
    assert first(right | {name: b"[a]\nb = 1\n"}) == f"{name}: no entry names this policy"


def test_the_entry_that_activates_a_policy_has_its_text(desk: Desk, tmp_path: Path) -> None:
    entries = list(desk.entries)
    place = next(n for n, entry in enumerate(entries) if b'"policy_activated"' in entry)
    data = json.loads(entries[place])["data"] | {"toml": "[repeat]\ncount = 9\n"}
    entries[place] = bundles.edited(entries[place], data=data)
    assert auditor.first_in(bundles.whole(desk.with_entries(entries)), tmp_path).endswith(
        "it was activated with another text"
    )
