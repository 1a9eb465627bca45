"""Whatever somebody changes in a bundle, both verifiers find it: a byte, an entry.

`wrong` is the one-file verifier, and `audit verify`.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from random import Random

import pytest

from tests.audit import auditor, bundles, verifying
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Files
from tests.audit.verifying import Verifier

LONG = pytest.mark.long
SIZE = 20
"""The entries of `desk`."""

# ── a byte ───────────────────────────────────────────────────────────────────────────────────────

Flip = tuple[str, int, int]
"""A file, a place in it, and the bits that are turned there."""

Flips = Callable[[Files, Iterable[str]], list[Flip]]


def _each_seventh(files: Files, names: Iterable[str]) -> list[Flip]:
    """Seven and the four letters of a base64 group share no factor: each place of one is met."""
    return [(name, place, 1) for name in names for place in range(0, len(files[name]), 7)]


def _some(files: Files, names: Iterable[str], most: int = 12) -> list[Flip]:
    """The first and the last byte of each file, and some in between."""
    draw = Random(20261124)
    flips = []
    for name in sorted(names):
        size = len(files[name])
        places = {0, size - 1, *draw.sample(range(size), min(size, most))}
        flips += [(name, place, 1 << draw.randrange(8)) for place in sorted(places)]
    return flips


def _records(desk: Desk, flips: Flips) -> tuple[Files, Files]:
    """A whole bundle with all that there can be in one, and a part; small ones for many bytes."""
    few, some = ([0, 1, 6], [3]) if flips is _each_seventh else (range(SIZE), [3, 4])
    record = bundles.handed_over(desk.with_entries([desk.entries[n] for n in few]), LOG, NEXT)
    size = len(record.entries)
    whole = bundles.whole(record, keys=[LOG, NEXT], witnesses=[WITNESS], handovers=[size])
    return whole, bundles.part(desk, some, witnesses=[WITNESS])


@pytest.fixture(autouse=True)
def _signatures_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ones are valid each time, and take a third of it."""
    valid = cache(auditor.script._by_cryptography)
    monkeypatch.setattr(auditor.script, "_by_cryptography", valid)


def _unnoticed(
    wrong: Verifier, files: Files, folder: Path, flips: Sequence[Flip], *, anew: bool
) -> list[Flip]:
    """Those flips that are not found; with `anew`, the manifest is made so that it fits them."""
    shutil.rmtree(folder, ignore_errors=True)
    bundles.write(files, folder)
    assert wrong(folder) == []
    missed = []
    for name, place, mask in flips:
        changed = {name: bundles.flipped(files[name], place, mask)}
        if anew:
            changed["manifest.json"] = bundles.listed_again(files | changed)["manifest.json"]
        for path, data in changed.items():
            (folder / path).write_bytes(data)
        if not wrong(folder):
            missed.append((name, place, mask))
        (folder / name).write_bytes(files[name])
    return missed


FLIPS = pytest.mark.parametrize("flips", [_some, pytest.param(_each_seventh, marks=LONG)])


@FLIPS
@pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
def test_a_flipped_byte_of_a_bundle_is_found_also_when_the_manifest_fits_it(
    wrong: Verifier, desk: Desk, memory: Path, flips: Flips, part: bool
) -> None:
    files = _records(desk, flips)[part]
    names = files.keys() - {"manifest.json", "report.html"}
    assert _unnoticed(wrong, files, memory / "fits", flips(files, names), anew=True) == []


@FLIPS
@pytest.mark.parametrize("part", [False, True], ids=["whole", "part"])
def test_a_flipped_byte_of_a_manifest_is_found_and_so_is_one_of_a_file_that_it_lists(
    wrong: Verifier, desk: Desk, memory: Path, flips: Flips, part: bool
) -> None:
    files = _records(desk, flips)[part]
    changed = [*flips(files, ["manifest.json"]), *_some(files, files.keys(), 2)]
    # Also as a letter of the other case, among those of the digests.
    changed += [(name, place, 32) for name, place, _ in flips(files, ["manifest.json"])]
    assert _unnoticed(wrong, files, memory / "listed", changed, anew=False) == []


@pytest.mark.parametrize("most", [0, pytest.param(4, marks=LONG)])
def test_a_flipped_byte_in_a_thousand_entries_is_found(
    wrong: Verifier, desk: Desk, memory: Path, most: int
) -> None:
    files = bundles.whole(bundles.many(desk, 1_000), witnesses=[WITNESS])
    for anew in (False, True):
        names = files.keys() - ({"manifest.json"} if anew else set())
        changed = _some(files, names, most)
        assert _unnoticed(wrong, files, memory / "thousand", changed, anew=anew) == []


# ── an entry ─────────────────────────────────────────────────────────────────────────────────────

Change = Callable[[list[bytes], int], list[bytes]]


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
PLACES = pytest.mark.parametrize(
    "places", [(0, 1, 6, 14, 19), pytest.param(range(SIZE), marks=LONG)], ids=["some", "each"]
)

Power = Callable[[Files, Desk], Files]
"""The bundle of somebody who has changed the entries, and what goes with them, as far as …"""


def _the_file_of_entries(right: Files, changed: Desk) -> Files:
    return right | {"entries.jsonl": b"".join(entry + b"\n" for entry in changed.entries)}


def _and_the_manifest(right: Files, changed: Desk) -> Files:
    return bundles.listed_again(_the_file_of_entries(right, changed))


def _and_every_file_but_no_key(right: Files, changed: Desk) -> Files:
    """The text of the checkpoint with its right signature, above which it does not belong."""
    rewritten = bundles.whole(changed, keys=[FORGER])
    text = rewritten["checkpoint"].partition(b"\n\n")[0]
    signature = right["checkpoint"].partition(b"\n\n")[2]
    own = {"log.vkey": right["log.vkey"], "checkpoint": text + b"\n\n" + signature}
    return bundles.listed_again(rewritten | own)


def _and_the_old_checkpoint(right: Files, changed: Desk) -> Files:
    own = {name: right[name] for name in ("log.vkey", "checkpoint")}
    files = bundles.whole(changed, keys=[FORGER]) | own
    return bundles.listed(files, SIZE, len(changed.entries), is_whole=True)


def _and_a_key_of_their_own(right: Files, changed: Desk) -> Files:
    return bundles.whole(bundles.under_key(changed, FORGER), keys=[FORGER])


POWERS = (
    _the_file_of_entries,
    _and_the_manifest,
    _and_every_file_but_no_key,
    _and_the_old_checkpoint,
    _and_a_key_of_their_own,
)


@PLACES
@pytest.mark.parametrize("power", POWERS)
def test_each_entry_that_is_changed_without_the_key_is_found(
    wrong: Verifier, desk: Desk, memory: Path, power: Power, places: Iterable[int]
) -> None:
    right, entries = bundles.whole(desk), list(desk.entries)
    for change in CHANGES:
        for n in places:
            changed = change(entries, n)
            if changed != entries:  # the last one has nobody to change places with
                files = power(right, desk.with_entries(changed))
                found = bundles.rewrite(files, memory / "changed")
                assert wrong(found, keys=[LOG.vkey]), (change, n)


@PLACES
@pytest.mark.parametrize("change", CHANGES)
def test_each_entry_that_is_changed_with_the_right_key_is_found_by_a_checkpoint_that_was_held(
    desk: Desk, memory: Path, change: Change, places: Iterable[int]
) -> None:
    held = [bundles.head(desk.entries, LOG)]
    for n in places:
        changed = _numbered_anew(change(list(desk.entries), n))
        if changed[:SIZE] == list(desk.entries):
            continue  # only gone on with
        files = bundles.whole(desk.with_entries(changed))
        folder = bundles.rewrite(files, memory / "rewritten")
        assert any(flaw.startswith("held: ") for flaw in verifying.wrong(folder, held=held)), n
        assert auditor.wrong(folder, held=held), n
        # And by nothing else, as long as each policy is named, and the key once: so much can the
        # key's holder do.
        key_twice = change is _duplicated and b'"log_key_made"' in desk.entries[n]
        if change is not _deleted and not key_twice:
            assert auditor.wrong(folder) == [], n


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
    for size in (2, 8, 19):
        files = bundles.whole(bundles.named(desk, desk.entries[:size]))
        folder = bundles.rewrite(files, tmp_path / "b")
        assert auditor.wrong(folder) == verifying.wrong(folder) == []
        assert auditor.wrong(folder, held=held) == [
            f"held: it is of 20 entries, and the bundle ends at {size}"
        ]
        cut = f"held: it is of 20 entries, and the log has {size}: its tail was cut"
        assert cut in verifying.wrong(folder, held=held)
        told = auditor.told(folder, held=held, older_bundle=True)
        assert told["wrong"] == []
        assert "held, which is later" in told["unchecked"]


def test_history_that_was_rewritten_with_the_right_key_is_found_by_a_smaller_checkpoint(
    desk: Desk, tmp_path: Path
) -> None:
    login = bundles.edited(desk.entries[0], login="somebody")
    files = bundles.whole(desk.with_entries([login, *desk.entries[1:]]))
    folder = bundles.write(files, tmp_path)
    assert auditor.wrong(folder, keys=[LOG.vkey]) == []
    assert verifying.wrong(folder, keys=[LOG.vkey], policy=True) == []
    for size in (1, 2, 7, 16, 20):
        held = [bundles.head(desk.entries[:size], LOG)]
        assert auditor.wrong(folder, held=held) == [
            f"held: the first {size} entries were others: it is rewritten"
        ]
        (found,) = verifying.wrong(folder, held=held, policy=True)
        assert found.startswith(f"held: the root of the first {size} entries is ")
        assert found.endswith(": the log was rewritten")


def test_the_first_wrong_entry_is_named(desk: Desk, tmp_path: Path) -> None:
    right, entries = bundles.whole(desk), list(desk.entries)
    folder = tmp_path / "b"

    def lines(changed: list[bytes]) -> str:
        files = _and_the_manifest(right, desk.with_entries(changed))
        return auditor.wrong(bundles.rewrite(files, folder))[0]

    assert lines(_deleted(entries, 4)) == (
        "entries.jsonl, line 5: number 4 of 'a.example' was due, and this is number 5"
    )
    assert lines(_duplicated(entries, 4)) == (
        "entries.jsonl, line 6: number 5 of 'a.example' was due, and this is number 4"
    )
    assert lines(entries[:19]).startswith("tile/entries/000.p/19")
    assert lines(_edited(entries, 4)) == (
        "tile/entries/000.p/20: what it says of line 5 of entries.jsonl is not what follows from "
        "the entries"
    )
    assert verifying.wrong(folder)[0] == (
        "entries.jsonl, line 5: it is not entry 4 of tile/entries/000.p/20"
    )
    files = bundles.whole(desk.with_entries(_edited(entries, 4)))
    files = bundles.listed_again(files | {"tile/0/000.p/20": right["tile/0/000.p/20"]})
    assert auditor.wrong(bundles.rewrite(files, folder))[0] == (
        "tile/0/000.p/20: what it says of line 5 of entries.jsonl is not what follows from the "
        "entries"
    )


def test_a_decision_that_does_not_follow_is_named_though_everything_is_signed(
    desk: Desk, tmp_path: Path
) -> None:
    entries = list(desk.entries)
    n = next(n for n, entry in enumerate(entries) if b'"site_suspended"' in entry)
    said = json.loads(entries[n])
    entries[n] = bundles.edited(entries[n], data=said["data"] | {"until": "2026-03-02T09:00:00Z"})
    folder = bundles.write(bundles.whole(desk.with_entries(entries)), tmp_path)
    assert verifying.wrong(folder) == []
    first = verifying.wrong(folder, policy=True)[0]
    place = f"{said['site_id']}-{said['site_seq']}"
    assert first.startswith(f"a.example, entry {place}, leaf {n}: until is 2026-03-02T09:00:00Z")
