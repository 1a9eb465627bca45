"""The one-file verifier: what is right is found right, and whatever is changed is found."""

import ast
import json
import shutil
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audit import auditor, bundles
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Files, Signer
from tests.databases import SqliteDatabases, memory_folder

Change = Callable[[list[bytes]], list[bytes]]


@pytest.fixture(scope="module")
def desk(sqlite_databases: SqliteDatabases) -> Desk:
    """Twenty entries of a real desk."""
    with sqlite_databases.at_head() as url:
        return bundles.a_day(url)


@pytest.fixture(scope="module")
def rotated(desk: Desk) -> Desk:
    """The same, with the entry that hands over to another key behind it."""
    return bundles.handed_over(desk, LOG, NEXT)


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that thousands of changed bundles are written to."""
    folder = memory_folder()
    made = tmp_path_factory.mktemp("bundles") if folder is None else folder / "incidents-bundles"
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir()
    yield made
    shutil.rmtree(made)


def _wrong(files: Files, folder: Path, **asked: Any) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    return auditor.wrong(bundles.write(files, folder), **asked)


def _first(files: Files, folder: Path, **asked: Any) -> str:
    """The first thing that is wrong; there must be one."""
    return _wrong(files, folder, **asked)[0]


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


@pytest.mark.parametrize("size", [0, 1, 2, 3, 255, 256, 257, 512, 513])
def test_trees_of_each_shape_are_found_right(desk: Desk, size: int, tmp_path: Path) -> None:
    entries = [
        bundles.edited(desk.entries[2], site_seq=str(n + 1), recorded_at="2026-03-01T10:00:00Z")
        for n in range(size)
    ]
    policies = {digest: toml for digest, toml in desk.policies.items() if size and _is_first(toml)}
    record = Desk(tuple(entries), policies)
    held = [bundles.head(record.entries[:n], LOG) for n in range(0, size + 1, 5)]
    assert _wrong(bundles.whole(record), tmp_path, held=held) == []


def _is_first(toml: str) -> bool:
    return "count = 4" not in toml


@pytest.mark.parametrize("indexes", [[], [0], [19], [1, 9, 10], [0, 2, 3, 4, 5], [6], range(20)])
def test_a_part_is_found_right_by_its_proofs(
    desk: Desk, indexes: Sequence[int], tmp_path: Path
) -> None:
    files = bundles.part(desk, indexes, witnesses=[WITNESS])
    asked = {"keys": [LOG.vkey], "witnesses": [WITNESS.vkey], "held": [files["checkpoint"]]}
    told = auditor.told(bundles.write(files, tmp_path), **asked)
    assert told["wrong"] == []
    assert "report.html: what is proved stands in entries.jsonl" in told["unchecked"]


@pytest.mark.parametrize("known", [[], [LOG], [NEXT], [LOG, NEXT]])
def test_a_key_that_was_handed_over_is_followed_from_the_one_that_is_known(
    rotated: Desk, known: list[Signer], tmp_path: Path
) -> None:
    files = bundles.whole(rotated, keys=[LOG, NEXT], handovers=[21])
    held = [bundles.head(rotated.entries[:5], LOG)]
    assert _wrong(files, tmp_path, keys=[key.vkey for key in known], held=held) == []


# ── a byte ───────────────────────────────────────────────────────────────────────────────────────


def _flipped(data: bytes, place: int, mask: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


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
    for name, place, mask in flips:
        changed = {name: _flipped(files[name], place, mask)}
        if listed:
            changed["manifest.json"] = bundles.listed_again(files | changed)["manifest.json"]
        bundles.write(changed, folder)
        if not auditor.wrong(folder):
            missed.append((name, place, mask))
        bundles.write({name: files[name] for name in changed}, folder)
    return missed


def _each_byte(files: Files, names: Sequence[str], mask: int = 1) -> list[tuple[str, int, int]]:
    return [(name, place, mask) for name in names for place in range(len(files[name]))]


def test_each_byte_of_a_whole_bundle_that_is_flipped_is_found(rotated: Desk, memory: Path) -> None:
    files = _whole(rotated)
    folder = bundles.write(files, memory / "whole")
    # What makes each file be as it is listed is the first of the checks that `verify` makes.
    for name in files.keys() - {"manifest.json"}:
        for place in range(len(files[name])):
            bundles.write({name: _flipped(files[name], place)}, folder)
            with pytest.raises(auditor.script.WrongError, match="SHA-256"):
                auditor.script.Bundle.open(folder).check_digests()
        assert auditor.wrong(folder)[0].startswith(name)
        bundles.write({name: files[name]}, folder)
    assert _unnoticed(files, folder, _each_byte(files, ["manifest.json"]), listed=False) == []
    assert _unnoticed(files, folder, _each_byte(files, ["manifest.json"], 32), listed=False) == []


@pytest.mark.parametrize(
    "beginning", ["entries", "tile/0", "tile/entries", "policies", ("checkpoint", "hand", "log", "wit")]
)
def test_each_flipped_byte_is_found_also_when_the_manifest_is_made_anew(
    rotated: Desk, memory: Path, beginning: str | tuple[str, ...]
) -> None:
    files = _whole(rotated)
    names = [name for name in files if name.startswith(beginning)]
    assert names
    assert _unnoticed(files, memory / "anew", _each_byte(files, names), listed=True) == []


@pytest.mark.parametrize("mask", [1, 4, 32, 128])
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
    policies = {digest: toml for digest, toml in desk.policies.items() if _is_first(toml)}
    files = bundles.whole(Desk(tuple(entries), policies), witnesses=[WITNESS])
    draw = Random(20261124)
    for listed in (False, True):
        names = sorted(files.keys() - ({"manifest.json"} if listed else set()))
        every = [(name, place) for name in names for place in range(len(files[name]))]
        # By the profile: 100 in each run of all tests, 5,000 with HYPOTHESIS_PROFILE=long.
        drawn = draw.sample(every, settings.get_current_profile_name() == "long" and 5_000 or 100)
        flips = [(name, place, 1 << draw.randrange(8)) for name, place in drawn]
        assert _unnoticed(files, memory / "thousand", flips, listed=listed) == []
