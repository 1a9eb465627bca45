"""The verification of a bundle: no byte, no entry and no file of it can be another."""

import io
import json
import shutil
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest
import zstandard
from hypothesis import settings

from incidents.audit import signed_check, verify_bundle
from incidents.audit.bundle import Order
from incidents.audit.bundle_folder import unpacked
from incidents.audit.export import Selection
from incidents.audit.flaw import Flaw
from incidents.audit.trust import Asked
from incidents.errors import FileError, IncidentsError, VerificationError
from incidents.tlog.keys import VerifierKey
from tests.audit import bundles, signed_log
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Files, Signer
from tests.audit.signed_log import put_key, sign
from tests.databases import SqliteDatabases
from tests.desk.rehearsal import Rehearsal, rehearsal

SIZE = 20


@pytest.fixture(scope="module")
def day(sqlite_databases: SqliteDatabases) -> Iterator[Rehearsal]:
    """A desk whose log is signed, under a key that took the place of another."""
    with sqlite_databases.at_head() as url, rehearsal(url) as day:
        signed_log.a_case(day)
        yield day


@pytest.fixture(scope="module")
def desk(day: Rehearsal) -> Desk:
    """The first twenty entries of the log: two sites, and another policy in between."""
    sign(day)
    found = signed_log.on_log(day)
    return found.with_entries(found.entries[:SIZE])


@pytest.fixture(scope="module")
def rotated(desk: Desk) -> Files:
    """The bundle of these, and of a key that took the place of the first."""
    longer = bundles.handed_over(desk, LOG, NEXT)
    return bundles.whole(longer, (LOG, NEXT), (WITNESS,), (len(longer.entries),))


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: thousands of files are written to it."""
    shared = Path("/dev/shm")
    base = shared if shared.is_dir() else Path("/tmp")
    folder = base / f"verify-bundle-{id(base)}-{Random().getrandbits(60):x}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def key(signer: Signer) -> VerifierKey:
    return VerifierKey.parse(signer.vkey)


def held(note: bytes) -> Asked:
    return Asked(held=(signed_check.read(note, "held"),))


def flaws(folder: Path, asked: Asked | None = None) -> tuple[Flaw, ...]:
    return verify_bundle.bundle(folder, asked or Asked()).findings


def wrong(folder: Path, asked: Asked | None = None) -> list[str]:
    try:
        return list(map(str, flaws(folder, asked)))
    except VerificationError as error:
        return [error.message]


def wrong_in(files: Files, folder: Path, asked: Asked | None = None) -> list[str]:
    shutil.rmtree(folder, ignore_errors=True)
    return wrong(bundles.write(files, folder), asked)


# ── all is well ──────────────────────────────────────────────────────────────────────────────────


def test_a_whole_bundle_is_verified_by_one_process_and_by_two(
    rotated: Files, tmp_path: Path
) -> None:
    folder = bundles.write(rotated, tmp_path / "b")
    asked = Asked(keys=(key(LOG),), witnesses=(key(WITNESS),))
    found = verify_bundle.bundle(folder, asked)
    assert found.findings == ()
    assert (found.kind, found.entries, found.size, found.sites) == ("bundle", 21, 21, 2)
    assert (found.key, found.trusted, found.policies) == (NEXT.vkey, "outside", 2)
    assert verify_bundle.bundle(folder, asked, processes=2) == found


def test_what_the_export_writes_is_verified_as_a_folder_and_as_an_archive(
    day: Rehearsal, desk: Desk, tmp_path: Path
) -> None:
    assert desk.entries
    for name in ("b", "b.tar.zst"):
        signed_log.export(day, tmp_path / name)
        with unpacked(tmp_path / name) as folder:
            found = verify_bundle.bundle(folder, Asked(keys=(key(LOG),)))
        assert (found.findings, found.kind) == ((), "bundle")
        assert found.entries == len(signed_log.on_log(day).entries)


def test_a_part_is_verified_by_its_proofs_and_decided_again(
    day: Rehearsal, desk: Desk, tmp_path: Path
) -> None:
    assert desk.entries
    signed_log.export(day, tmp_path / "p", Order(wanted=Selection(site_id=1)))
    found = verify_bundle.bundle(tmp_path / "p", Asked(keys=(key(LOG),)))
    assert (found.findings, found.kind, found.sites, found.begun_late) == ((), "part", 1, 0)
    assert (found.periods, found.extras) == (False, ("report.html",))


def test_a_part_that_begins_later_says_so(day: Rehearsal, desk: Desk, tmp_path: Path) -> None:
    assert desk.entries
    later = Selection(site_id=1, since=day.now.replace(day=1, hour=10, minute=30))
    signed_log.export(day, tmp_path / "p", Order(wanted=later))
    found = verify_bundle.bundle(tmp_path / "p", Asked())
    assert (found.findings, found.begun_late) == ((), 1)


@pytest.mark.parametrize("size", [1, 2, 5, 255, 256, 257, 700])
def test_logs_of_each_shape_are_verified(desk: Desk, size: int, tmp_path: Path) -> None:
    entries = [desk.entries[0], *_many(desk, size - 1)]
    found = verify_bundle.bundle(
        bundles.write(bundles.whole(_documented(desk, entries)), tmp_path / "b"),
        Asked(policy=False),
    )
    assert (found.findings, found.entries) == ((), size)


def _many(desk: Desk, n: int) -> list[bytes]:
    """So many entries of one site, that nobody has decided."""
    first = next(entry for entry in desk.entries if b'"site_added"' in entry)
    return [bundles.edited(first, site_seq=str(seq)) for seq in range(1, n + 1)]


def _documented(desk: Desk, entries: Sequence[bytes]) -> Desk:
    named = {json.loads(entry)["policy"] for entry in entries}
    return Desk(tuple(entries), {name: desk.policies[name] for name in named})


# ── a byte ───────────────────────────────────────────────────────────────────────────────────────


def _unnoticed(
    files: Files, folder: Path, flips: Sequence[tuple[str, int, int]], *, listed: bool
) -> list[tuple[str, int, int]]:
    """Those flips of a byte that are not found; with `listed` the manifest is made anew."""
    bundles.write(files, folder)
    asked = Asked(keys=(key(LOG),), policy=False)
    assert wrong(folder, asked) == []
    missed = []
    for name, place, mask in flips:
        changed = {name: bundles.flipped(files[name], place, mask)}
        if listed:
            changed["manifest.json"] = bundles.listed_again(files | changed)["manifest.json"]
        bundles.write(changed, folder)
        if not wrong(folder, asked):
            missed.append((name, place, mask))
        bundles.write({name: files[name] for name in changed}, folder)
    return missed


def _flips(files: Files, names: Sequence[str], draw: Random) -> list[tuple[str, int, int]]:
    """Each byte of these files once, or of a few of them as long as nobody has the time.

    HYPOTHESIS_PROFILE=long looks at all.
    """
    every = [(name, place) for name in names for place in range(len(files[name]))]
    if settings.get_current_profile_name() != "long":
        every = draw.sample(every, min(len(every), 700))
    return [(name, place, 1 << draw.randrange(8)) for name, place in every]


@pytest.mark.parametrize("listed", [False, True], ids=["as listed", "listed anew"])
@pytest.mark.parametrize(
    "beginning", ["entries", "tile", "policies", ("checkpoint", "hand", "log", "wit"), "manifest"]
)
def test_a_flipped_byte_of_a_whole_bundle_is_found(
    rotated: Files, memory: Path, beginning: str | tuple[str, ...], listed: bool
) -> None:
    names = [name for name in rotated if name.startswith(beginning)]
    assert names
    flips = _flips(rotated, names, Random(7))
    anew = listed and beginning != "manifest"
    assert _unnoticed(rotated, memory, flips, listed=anew) == []


def test_a_flipped_byte_of_a_part_is_found_also_when_the_manifest_is_made_anew(
    desk: Desk, memory: Path
) -> None:
    files = bundles.part(desk, [1, 3, 4], witnesses=[WITNESS])
    names = sorted(files.keys() - {"manifest.json", "report.html"})
    assert _unnoticed(files, memory, _flips(files, names, Random(8)), listed=True) == []
    names = ["manifest.json", "report.html"]
    assert _unnoticed(files, memory, _flips(files, names, Random(9)), listed=False) == []


def test_sampled_flips_in_a_thousand_entries_are_found(desk: Desk, memory: Path) -> None:
    entries = [desk.entries[0], *_many(desk, 999)]
    files = bundles.whole(_documented(desk, entries), witnesses=[WITNESS])
    draw = Random(20261124)
    is_long = settings.get_current_profile_name() == "long"
    for listed in (False, True):
        names = sorted(files.keys() - ({"manifest.json"} if listed else set()))
        every = [(name, place) for name in names for place in range(len(files[name]))]
        drawn = draw.sample(every, 5_000 if is_long else 150)
        flips = [(name, place, 1 << draw.randrange(8)) for name, place in drawn]
        assert _unnoticed(files, memory, flips, listed=listed) == []


# ── an entry ─────────────────────────────────────────────────────────────────────────────────────

Change = Callable[[list[bytes], int], list[bytes]]


def _deleted(entries: list[bytes], n: int) -> list[bytes]:
    return entries[:n] + entries[n + 1 :]


def _swapped(entries: list[bytes], n: int) -> list[bytes]:
    return [*entries[:n], *reversed(entries[n : n + 2]), *entries[n + 2 :]]


def _duplicated(entries: list[bytes], n: int) -> list[bytes]:
    return [*entries[: n + 1], *entries[n:]]


def _inserted(entries: list[bytes], n: int) -> list[bytes]:
    return [*entries[:n], bundles.edited(entries[n], actor="nobody"), *entries[n:]]


def _edited(entries: list[bytes], n: int) -> list[bytes]:
    return [*entries[:n], bundles.edited(entries[n], actor="nobody"), *entries[n + 1 :]]


CHANGES = (_deleted, _swapped, _duplicated, _inserted, _edited)


def _lines(right: Files, changed: Desk) -> Files:
    return right | {"entries.jsonl": b"".join(entry + b"\n" for entry in changed.entries)}


def _lines_and_manifest(right: Files, changed: Desk) -> Files:
    return bundles.listed_again(_lines(right, changed))


def _all_but_the_key(right: Files, changed: Desk) -> Files:
    rewritten = bundles.whole(changed, keys=[FORGER])
    text = rewritten["checkpoint"].partition(b"\n\n")[0]
    signature = right["checkpoint"].partition(b"\n\n")[2]
    return bundles.listed_again(
        rewritten | {"log.vkey": right["log.vkey"], "checkpoint": text + b"\n\n" + signature}
    )


def _under_the_old_checkpoint(right: Files, changed: Desk) -> Files:
    files = bundles.whole(changed, keys=[FORGER]) | {
        "log.vkey": right["log.vkey"], "checkpoint": right["checkpoint"],
    }  # fmt: skip
    return bundles.listed(files, SIZE, len(changed.entries), is_whole=True)


def _under_a_key_of_their_own(right: Files, changed: Desk) -> Files:
    assert right
    return bundles.whole(changed, keys=[FORGER])


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    "attack",
    [
        _lines,
        _lines_and_manifest,
        _all_but_the_key,
        _under_the_old_checkpoint,
        _under_a_key_of_their_own,
    ],
)
def test_each_entry_that_is_changed_without_the_key_is_found(
    desk: Desk, attack: Callable[[Files, Desk], Files], change: Change, memory: Path
) -> None:
    right = bundles.whole(desk)
    for n in range(SIZE):
        changed = change(list(desk.entries), n)
        if changed != list(desk.entries):
            files = attack(right, desk.with_entries(changed))
            assert wrong_in(files, memory / "b", Asked(policy=False)), n


@pytest.mark.parametrize("change", CHANGES)
def test_each_entry_that_is_changed_with_the_right_key_a_held_checkpoint_shows(
    desk: Desk, change: Change, memory: Path
) -> None:
    known = held(bundles.head(desk.entries, LOG))
    for n in range(SIZE):
        changed = _numbered_anew(change(list(desk.entries), n))
        if changed[:SIZE] != list(desk.entries):
            found = wrong_in(bundles.whole(desk.with_entries(changed)), memory / "b", known)
            assert any(flaw.startswith("held: ") for flaw in found), n


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


def test_history_that_was_rewritten_with_the_right_key_each_held_checkpoint_shows(
    desk: Desk, memory: Path
) -> None:
    login = bundles.edited(desk.entries[0], login="somebody")
    rewritten = bundles.whole(desk.with_entries([login, *desk.entries[1:]]))
    assert wrong_in(rewritten, memory / "b", Asked(keys=(key(LOG),))) == []
    for size in range(1, SIZE + 1):
        known = held(bundles.head(desk.entries[:size], LOG))
        (found,) = wrong(memory / "b", known)
        assert found.startswith(f"held: the root of the first {size} entries is ")
        assert found.endswith(": the log was rewritten")


def test_a_tail_that_was_cut_off_a_held_checkpoint_shows(desk: Desk, memory: Path) -> None:
    known = held(bundles.head(desk.entries, LOG))
    for size in range(1, SIZE):
        files = bundles.whole(_documented(desk, desk.entries[:size]))
        # What comes of an act may be cut off after its first entry: that the policy shows.
        assert wrong_in(files, memory / "b", Asked(policy=False)) == []
        assert f"held: it is of 20 entries, and the log has {size}: its tail was cut" in (
            wrong(memory / "b", known)
        )


def test_the_first_wrong_entry_is_named(desk: Desk, memory: Path) -> None:
    right = bundles.whole(desk)
    changed = desk.with_entries(_edited(list(desk.entries), 4))
    bundles.write(_lines_and_manifest(right, changed), memory)
    first = flaws(memory)[0]
    assert str(first) == "entries.jsonl, line 5: it is not entry 4 of tile/entries/000.p/20"
    assert (first.leaf, first.expected) == (4, desk.entries[4].decode())


def test_a_decision_that_does_not_follow_is_named_though_everything_is_signed(
    desk: Desk, memory: Path
) -> None:
    entries = list(desk.entries)
    n = next(n for n, entry in enumerate(entries) if b'"site_suspended"' in entry)
    said = json.loads(entries[n])
    entries[n] = bundles.edited(entries[n], data=said["data"] | {"until": "2026-03-02T09:00:00Z"})
    bundles.write(bundles.whole(desk.with_entries(entries)), memory)
    first = flaws(memory)[0]
    assert (first.part, first.leaf, first.entry) == (
        "policy", n, f"{said['site_id']}-{said['site_seq']}",
    )  # fmt: skip
    assert wrong(memory, Asked(policy=False)) == []


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_key_is_believed_only_if_an_entry_that_the_old_one_signed_names_it(
    desk: Desk, memory: Path
) -> None:
    longer = bundles.handed_over(desk, LOG, NEXT)
    early = bundles.whole(longer, (LOG, NEXT), (), (SIZE,))
    assert f"handovers/001: no entry in it hands over to {NEXT.vkey}" in (
        wrong_in(early, memory / "b")
    )
    by_one = bundles.whole(longer, (LOG, NEXT), (), (SIZE + 1,))
    by_one["handovers/001"] = bundles.head(longer.entries, NEXT)
    assert f"handovers/001: {LOG.vkey} has not signed it" in (
        wrong_in(bundles.listed_again(by_one), memory / "b")
    )
    unnamed = bundles.whole(desk, (LOG, NEXT), (), (SIZE,))
    assert any(
        flaw.startswith("log.vkey: these are not the last keys")
        for flaw in wrong_in(unnamed, memory / "b")
    )


def test_a_part_follows_the_last_key_alone(desk: Desk, memory: Path) -> None:
    files = bundles.part(desk, [1, 3])
    files["handovers/001"] = bundles.head(desk.entries, FORGER, LOG)
    files["log.vkey"] = f"{FORGER.vkey}\n{LOG.vkey}\n".encode()
    files = bundles.listed_again(files)
    assert wrong_in(files, memory / "b", Asked(keys=(key(LOG),))) == []
    (found,) = wrong(memory / "b", Asked(keys=(key(FORGER),)))
    assert "the whole bundle alone shows" in found


def test_a_part_is_compared_with_a_checkpoint_of_its_own_size_alone(
    desk: Desk, memory: Path
) -> None:
    files = bundles.part(desk, [1, 3])
    assert wrong_in(files, memory / "b", held(bundles.head(desk.entries, LOG))) == []
    (found,) = wrong(memory / "b", held(bundles.head(desk.entries[:9], LOG)))
    assert "a part can be compared at the size of its own checkpoint alone, 20" in found
    (found,) = wrong(memory / "b", held(bundles.head(_edited([*desk.entries], 2), LOG)))
    assert "the log was rewritten" in found


# ── files ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("listed", [False, True])
def test_a_file_that_is_missing_or_too_much_is_named(
    rotated: Files, memory: Path, listed: bool
) -> None:
    for name in sorted(rotated.keys() - {"manifest.json"}):
        left = {each: data for each, data in rotated.items() if each != name}
        assert wrong_in(bundles.listed_again(left) if listed else left, memory / "b"), name
    for name in ("notes.txt", "policies/x", "tile/0/001", "tile/2/000.p/1", "proofs/1.tlog-proof"):
        more = rotated | {name: b"x"}
        found = wrong_in(bundles.listed_again(more) if listed else more, memory / "b")
        assert any(flaw.startswith(f"{name}: ") for flaw in found), name


def test_a_policy_is_written_in_one_way_alone_and_named_by_what_it_says(
    rotated: Files, memory: Path
) -> None:
    name = next(name for name in rotated if name.startswith("policies/"))
    text = rotated[name]
    for changed, sentence in (
        (b"# as agreed\n" + text, "it is not written as the desk writes a policy"),
        (text.replace(b"count = ", b"count = 1", 1), "what it says is the policy sha256:"),
        (b"nonsense", "it is no policy"),
    ):
        files = bundles.listed_again(rotated | {name: changed})
        assert any(
            flaw.startswith(f"{name}: {sentence}") for flaw in wrong_in(files, memory / "b")
        ), sentence
    other = "policies/" + "0" * 64 + ".toml"
    files = bundles.listed_again(rotated | {other: text})
    assert any(flaw.startswith(f"{other}: what it says") for flaw in wrong_in(files, memory / "b"))


def test_a_link_is_refused_and_not_followed(rotated: Files, memory: Path) -> None:
    folder = bundles.write(rotated, memory / "b")
    (memory / "elsewhere").write_bytes(rotated["log.vkey"])
    (folder / "log.vkey").unlink()
    (folder / "log.vkey").symlink_to(memory / "elsewhere")
    (found,) = wrong(folder)
    assert found.startswith("log.vkey: it is no plain file")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    (found,) = wrong(tmp_path)
    assert "it has no manifest.json" in found


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out", "a/./b", "b\nc"])
def test_an_archive_writes_nothing_outside_of_its_folder(tmp_path: Path, name: str) -> None:
    archive = _archive(tmp_path / "b.tar.zst", [(tarfile.TarInfo(name), b"x")])
    with pytest.raises(VerificationError, match="no plain file below"), unpacked(archive):
        raise AssertionError("it was unpacked")
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_an_archive_holds_no_links(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("checkpoint")
    member.type, member.linkname = kind, "/etc/passwd"
    archive = _archive(tmp_path / "b.tar.zst", [(member, b"")])
    with pytest.raises(VerificationError, match="no plain file"), unpacked(archive):
        raise AssertionError("it was unpacked")


def test_an_archive_that_is_cut_goes_on_or_is_none_is_refused(
    rotated: Files, tmp_path: Path
) -> None:
    members = [(tarfile.TarInfo(name), data) for name, data in rotated.items()]
    right = _archive(tmp_path / "b.tar.zst", members)
    with unpacked(right) as folder:
        assert wrong(folder) == []
    data = right.read_bytes()
    for changed in (data[:-40], data[: len(data) // 2], b"nothing", data + b"more"):
        right.write_bytes(changed)
        with pytest.raises(IncidentsError), unpacked(right):
            raise AssertionError("it was unpacked")
    twice = _archive(tmp_path / "b.tar.zst", [*members, members[0]])
    with pytest.raises(VerificationError, match="it is there twice"), unpacked(twice):
        raise AssertionError("it was unpacked")
    with pytest.raises(FileError), unpacked(tmp_path / "gone"):
        raise AssertionError("it was unpacked")


def test_an_archive_holds_nothing_behind_its_end(rotated: Files, tmp_path: Path) -> None:
    members = [(tarfile.TarInfo(name), data) for name, data in rotated.items()]
    file = _archive(tmp_path / "b.tar.zst", members)
    tar = zstandard.ZstdDecompressor().decompressobj().decompress(file.read_bytes())
    file.write_bytes(zstandard.ZstdCompressor().compress(tar + b"more"))
    with pytest.raises(VerificationError, match="goes on after the end"), unpacked(file):
        raise AssertionError("it was unpacked")


def _archive(file: Path, members: Sequence[tuple[tarfile.TarInfo, bytes]]) -> Path:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for member, data in members:
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    file.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(tar.getvalue()))
    return file


def test_a_key_that_took_over_is_in_what_the_export_writes(
    sqlite_databases: SqliteDatabases, tmp_path: Path
) -> None:
    with sqlite_databases.at_head() as url, rehearsal(url) as day:
        signed_log.a_case(day)
        sign(day)
        put_key(day, NEXT, LOG)
        sign(day, LOG, NEXT)
        signed_log.export(day, tmp_path / "b")
    assert wrong(tmp_path / "b", Asked(keys=(key(LOG),))) == []
