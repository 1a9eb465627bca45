"""The one-file verifier: each byte that is flipped, each entry that is changed is found."""

import json
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import settings

from tests.audit import auditor, bundles
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Files

# ── a byte ───────────────────────────────────────────────────────────────────────────────────────


def _whole(rotated: Desk) -> Files:
    return bundles.whole(rotated, keys=[LOG, NEXT], witnesses=[WITNESS], handovers=[21])


def _unnoticed(
    files: Files, folder: Path, flips: Sequence[tuple[str, int, int]], *, listed: bool
) -> list[tuple[str, int, int]]:
    """Those flips of a byte that are not found; with `listed` the manifest is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    bundles.write(files, folder)
    assert auditor.wrong(folder) == []
    missed = []
    with pytest.MonkeyPatch.context() as patch:
        # The same signatures are valid each time, and take a third of it.
        patch.setattr(auditor.script, "_by_cryptography", cache(auditor.script._by_cryptography))
        for name, place, mask in flips:
            changed = {name: bundles.flipped(files[name], place, mask)}
            if listed:
                changed["manifest.json"] = bundles.listed_again(files | changed)["manifest.json"]
            bundles.write(changed, folder)
            if not auditor.wrong(folder):
                missed.append((name, place, mask))
            bundles.write({name: files[name]}, folder)
    return missed


def _each_byte(files: Files, names: Sequence[str], mask: int = 1) -> list[tuple[str, int, int]]:
    return [(name, place, mask) for name in names for place in range(len(files[name]))]


def test_each_byte_of_a_whole_bundle_that_is_flipped_is_found(rotated: Desk, memory: Path) -> None:
    files = _whole(rotated)
    folder = bundles.write(files, memory / "whole")
    # That each file is as it is listed is the first of the checks that `verify` makes.
    opened = auditor.script.Bundle.open(folder)
    for name in files.keys() - {"manifest.json"}:
        for place in range(len(files[name])):
            bundles.write({name: bundles.flipped(files[name], place)}, folder)
            with pytest.raises(auditor.script.WrongError, match="SHA-256"):
                opened.check_digests()
        assert auditor.wrong(folder)[0] == f"{name}: its SHA-256 is not the one in manifest.json"
        bundles.write({name: files[name]}, folder)
    assert _unnoticed(files, folder, _each_byte(files, ["manifest.json"]), listed=False) == []
    assert _unnoticed(files, folder, _each_byte(files, ["manifest.json"], 32), listed=False) == []


@pytest.mark.parametrize(
    "beginning",
    ["entries", "tile/0", "tile/entries", "policies", ("checkpoint", "hand", "log", "wit")],
)
def test_each_flipped_byte_is_found_also_when_the_manifest_is_made_anew(
    rotated: Desk, memory: Path, beginning: str | tuple[str, ...]
) -> None:
    files = _whole(rotated)
    names = [name for name in files if name.startswith(beginning)]
    assert names
    assert _unnoticed(files, memory / "anew", _each_byte(files, names), listed=True) == []


@pytest.mark.parametrize("mask", [1, 32])
def test_each_flipped_byte_of_a_part_is_found_also_when_the_manifest_is_made_anew(
    desk: Desk, memory: Path, mask: int
) -> None:
    files = bundles.part(desk, [3, 4], witnesses=[WITNESS])
    names = files.keys() - {"manifest.json", "report.html"}
    flips = _each_byte(files, sorted(names), mask)
    assert _unnoticed(files, memory / "part", flips, listed=True) == []
    flips = _each_byte(files, ["manifest.json", "report.html"], mask)
    assert _unnoticed(files, memory / "part", flips, listed=False) == []


def test_sampled_flips_in_a_thousand_entries_are_found(desk: Desk, memory: Path) -> None:
    entries = [
        bundles.edited(desk.entries[2], site_seq=str(n + 1), data={"note": f"{n:09}"})
        for n in range(1_000)
    ]
    entries[-1] = bundles.key_made(desk.entries[2], 1, LOG)
    policies = {
        digest: toml for digest, toml in desk.policies.items() if bundles.is_documented(toml)
    }
    files = bundles.whole(Desk(tuple(entries), policies), witnesses=[WITNESS])
    draw = Random(20261124)
    # HYPOTHESIS_PROFILE=long looks harder, here too.
    is_long = settings.get_current_profile_name() == "long"
    for listed in (False, True):
        names = sorted(files.keys() - ({"manifest.json"} if listed else set()))
        every = [(name, place) for name in names for place in range(len(files[name]))]
        drawn = draw.sample(every, 5_000 if is_long else 100)
        flips = [(name, place, 1 << draw.randrange(8)) for name, place in drawn]
        assert _unnoticed(files, memory / "thousand", flips, listed=listed) == []


# ── an entry ─────────────────────────────────────────────────────────────────────────────────────


def _deleted(entries: list[bytes], n: int) -> list[bytes]:
    return entries[:n] + entries[n + 1 :]


def _swapped(entries: list[bytes], n: int) -> list[bytes]:
    return [*entries[:n], *reversed(entries[n : n + 2]), *entries[n + 2 :]]


def _duplicated(entries: list[bytes], n: int) -> list[bytes]:
    return [*entries[: n + 1], *entries[n:]]


def _inserted(entries: list[bytes], n: int) -> list[bytes]:
    made_up = bundles.edited(entries[n], actor="nobody", kind="incident_logged")
    return [*entries[:n], made_up, *entries[n:]]


def _edited(entries: list[bytes], n: int) -> list[bytes]:
    return [*entries[:n], bundles.edited(entries[n], actor="nobody"), *entries[n + 1 :]]


CHANGES = (_deleted, _swapped, _duplicated, _inserted, _edited)


def _by_whoever_has(power: str, right: Files, changed: Desk) -> Files:
    """The bundle of somebody who has changed the entries, and what goes with them as far as …"""
    if power == "the file of entries":
        return right | {"entries.jsonl": b"".join(entry + b"\n" for entry in changed.entries)}
    if power == "and the manifest":
        return bundles.listed_again(_by_whoever_has("the file of entries", right, changed))
    rewritten = bundles.whole(changed, keys=[FORGER])
    if power == "and every file, but no key":
        # The text of the checkpoint with its right signature, above which it does not belong.
        text = rewritten["checkpoint"].partition(b"\n\n")[0]
        signature = right["checkpoint"].partition(b"\n\n")[2]
        files = rewritten | {
            "log.vkey": right["log.vkey"],
            "checkpoint": text + b"\n\n" + signature,
        }
        return bundles.listed_again(files)
    if power == "and the old checkpoint":
        files = rewritten | {"log.vkey": right["log.vkey"], "checkpoint": right["checkpoint"]}
        return bundles.listed(files, 20, len(changed.entries), is_whole=True)
    assert power == "and a key of their own"
    return bundles.whole(bundles.under_key(changed, FORGER), keys=[FORGER])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "power",
    [
        "the file of entries",
        "and the manifest",
        "and every file, but no key",
        "and the old checkpoint",
        "and a key of their own",
    ],
)
def test_each_entry_that_is_changed_without_the_key_is_found(
    desk: Desk, power: str, change: Any, memory: Path
) -> None:
    right = bundles.whole(desk)
    for n in range(len(desk.entries)):
        changed = change(list(desk.entries), n)
        if changed == list(desk.entries):
            continue  # the last one has nobody to change places with
        files = _by_whoever_has(power, right, desk.with_entries(changed))
        assert auditor.wrong_in(files, memory / "changed", keys=[LOG.vkey]), (n, power)


@pytest.mark.parametrize("change", CHANGES)
def test_each_entry_that_is_changed_with_the_right_key_is_found_by_a_checkpoint_that_was_held(
    desk: Desk, change: Any, memory: Path
) -> None:
    held = [bundles.head(desk.entries, LOG)]
    for n in range(len(desk.entries)):
        changed = _numbered_anew(change(list(desk.entries), n))
        if changed[:20] == list(desk.entries):
            continue  # only gone on with
        files = bundles.whole(desk.with_entries(changed))
        assert auditor.wrong_in(files, memory / "rewritten", held=held), n
        # And by nothing else, as long as each policy is named, and the key once: so much can the
        # key's holder do.
        key_twice = change is _duplicated and b'"log_key_made"' in desk.entries[n]
        if change is not _deleted and not key_twice:
            assert auditor.wrong_in(files, memory / "rewritten") == [], n


def _numbered_anew(entries: list[bytes]) -> list[bytes]:
    """As somebody does who can sign: each site's numbers are dense again, its times in order."""
    seqs: dict[str, int] = {}
    times: dict[str, str] = {}
    found = []
    for entry in entries:
        said = json.loads(entry)
        site = said["site_id"]
        seqs[site] = seqs.get(site, 0) + 1
        times[site] = max(times.get(site, ""), said["recorded_at"], key=lambda time: time[:-1])
        found.append(bundles.edited(entry, site_seq=str(seqs[site]), recorded_at=times[site]))
    return found


def test_a_tail_that_was_cut_off_is_found_by_a_checkpoint_that_was_held(
    desk: Desk, tmp_path: Path
) -> None:
    held = [bundles.head(desk.entries, LOG)]
    for size in range(2, 20):
        cut = desk.with_entries(desk.entries[:size])
        named = {json.loads(entry)["policy"] for entry in cut.entries}
        files = bundles.whole(Desk(cut.entries, {name: desk.policies[name] for name in named}))
        assert auditor.wrong_in(files, tmp_path / "b") == []
        assert auditor.wrong_in(files, tmp_path / "b", held=held) == [
            f"held: it is of 20 entries, and the bundle ends at {size}"
        ]
        told = auditor.told(tmp_path / "b", held=held, older_bundle=True)
        assert told["wrong"] == []
        assert "held, which is later" in told["unchecked"]


def test_history_that_was_rewritten_with_the_right_key_is_found_by_a_smaller_checkpoint(
    desk: Desk, tmp_path: Path
) -> None:
    rewritten = desk.with_entries([bundles.edited(entry, actor="x") for entry in desk.entries])
    files = bundles.whole(rewritten)
    assert auditor.wrong_in(files, tmp_path, keys=[LOG.vkey]) == []
    for size in range(1, 21):
        held = [bundles.head(desk.entries[:size], LOG)]
        assert auditor.wrong_in(files, tmp_path, held=held) == [
            f"held: the first {size} entries were others: it is rewritten"
        ]


def test_the_first_wrong_entry_is_named(desk: Desk, tmp_path: Path) -> None:
    right, entries = bundles.whole(desk), list(desk.entries)

    def lines(changed: list[bytes]) -> Files:
        return _by_whoever_has("and the manifest", right, desk.with_entries(changed))

    assert auditor.first_in(lines(_deleted(entries, 4)), tmp_path / "a") == (
        "entries.jsonl, line 5: number 4 of 'a.example' was due, and this is number 5"
    )
    assert auditor.first_in(lines(_duplicated(entries, 4)), tmp_path / "b") == (
        "entries.jsonl, line 6: number 5 of 'a.example' was due, and this is number 4"
    )
    assert auditor.first_in(lines(_edited(entries, 4)), tmp_path / "c") == (
        "tile/entries/000.p/20: what it says of line 5 of entries.jsonl is not what follows from "
        "the entries"
    )
    files = bundles.whole(desk.with_entries(_edited(entries, 4)))
    files = bundles.listed_again(files | {"tile/0/000.p/20": right["tile/0/000.p/20"]})
    assert auditor.first_in(files, tmp_path / "d") == (
        "tile/0/000.p/20: what it says of line 5 of entries.jsonl is not what follows from the "
        "entries"
    )
    assert auditor.first_in(lines(entries[:19]), tmp_path / "e").startswith("tile/entries/000.p/19")
