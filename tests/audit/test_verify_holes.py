"""The verification, where something could be left out without being missed."""

import io
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import delete, text

from incidents.audit import bundle_folder, signed_check, verify_bundle
from incidents.audit.bundle_folder import unpacked
from incidents.audit.trust import Asked
from incidents.errors import VerificationError
from incidents.store.engine import reading, writing
from incidents.store.log_tables import checkpoints
from incidents.tlog.keys import VerifierKey
from tests.audit import bundles, signed_log
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Files, Signer
from tests.audit.signed_log import put_key, sign
from tests.audit.test_verify import verdict
from tests.databases import SqliteDatabases
from tests.desk.rehearsal import Rehearsal, rehearsal

SIZE = 600
WIDTHS = {0: 256, 1: 256, 2: 88}
"""How many entries each tile of entries has."""


@pytest.fixture(scope="module")
def desk(sqlite_databases: SqliteDatabases) -> Desk:
    """Twenty entries: the log's first key, two sites, and another policy in between."""
    with sqlite_databases.at_head() as url, rehearsal(url) as day:
        signed_log.a_case(day)
        sign(day)
        found = signed_log.on_log(day)
        return found.with_entries(found.entries[:20])


@pytest.fixture(scope="module")
def long(desk: Desk) -> Files:
    """The bundle of a log of three tiles; one site's entries, that nobody has decided."""
    first = next(entry for entry in desk.entries if b'"site_added"' in entry)
    entries = [desk.entries[0], *(bundles.edited(first, site_seq=str(n)) for n in range(1, SIZE))]
    named = {name: toml for name, toml in desk.policies.items() if name.encode() in first}
    return bundles.whole(Desk(tuple(entries), named), witnesses=[WITNESS])


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    with rehearsal(db_url) as day:
        signed_log.a_case(day)
        yield day


def key(signer: Signer) -> VerifierKey:
    return VerifierKey.parse(signer.vkey)


def found_in(files: Files, folder: Path, asked: Asked | None = None) -> list[str]:
    """What is found in these files, listed anew by somebody who has no key."""
    shutil.rmtree(folder, ignore_errors=True)
    bundles.write(bundles.listed_again(files), folder)
    try:
        return list(map(str, verify_bundle.bundle(folder, asked or Asked(policy=False)).findings))
    except VerificationError as error:
        return [error.message]


# ── the tiles of entries ─────────────────────────────────────────────────────────────────────────


def _name(n: int) -> str:
    return f"tile/entries/{n:03}" + ("" if WIDTHS[n] == 256 else f".p/{WIDTHS[n]}")


def _with_lines(files: Files, n: int, tile: bytes, lines: Sequence[bytes]) -> Files:
    """With another tile of entries, and other lines in the place of its own."""
    every = files["entries.jsonl"].split(b"\n")[:-1]
    begin = 256 * n
    every = [*every[:begin], *lines, *every[begin + WIDTHS[n] :]]
    return files | {
        _name(n): tile, "entries.jsonl": b"".join(line + b"\n" for line in every),
    }  # fmt: skip


def _lines(files: Files, n: int) -> list[bytes]:
    return files["entries.jsonl"].split(b"\n")[256 * n : 256 * n + WIDTHS[n]]


def test_the_log_of_three_tiles_is_verified_as_it_is(long: Files, tmp_path: Path) -> None:
    asked = Asked(keys=(key(LOG),), witnesses=(key(WITNESS),), policy=False)
    assert found_in(long, tmp_path / "b", asked) == []


@pytest.mark.parametrize("policy", [False, True])
@pytest.mark.parametrize("n", WIDTHS)
@pytest.mark.parametrize("filling", [b"\xff", b"\0", b"{"])
def test_a_tile_of_entries_that_is_blanked_with_its_lines_is_found(
    long: Files, n: int, filling: bytes, policy: bool, tmp_path: Path
) -> None:
    known = signed_check.read(long["checkpoint"], "held")
    asked = Asked(keys=(key(LOG),), witnesses=(key(WITNESS),), held=(known,), policy=policy)
    blank = filling * (2 * WIDTHS[n])
    found = found_in(_with_lines(long, n, blank, [b""] * WIDTHS[n]), tmp_path / "b", asked)
    assert any(f"entry {256 * n}" in flaw or f"leaf {256 * n} " in flaw for flaw in found), found
    assert any(flaw.startswith("held: it cannot be compared") for flaw in found), found


def test_all_tiles_of_entries_that_are_blanked_are_found(long: Files, tmp_path: Path) -> None:
    files = long
    for n, width in WIDTHS.items():
        files = _with_lines(files, n, b"\xff" * (2 * width), [b""] * width)
    found = found_in(files, tmp_path / "b")
    for n, width in WIDTHS.items():
        sentence = f"the tile cannot be read as {width} entries: entry {256 * n} is not to be had"
        assert f"{_name(n)}: {sentence}" in found


def test_an_empty_tile_of_entries_without_its_lines_is_found(long: Files, tmp_path: Path) -> None:
    for n in WIDTHS:
        assert found_in(_with_lines(long, n, b"", []), tmp_path / "b"), n


def test_a_tile_of_entries_that_ends_early_is_found_where_it_ends(
    long: Files, tmp_path: Path
) -> None:
    for n, width in WIDTHS.items():
        lines = _lines(long, n)
        last = len(lines[-1])
        short = long[_name(n)][: -last - 2]
        for blank in ([*lines[:-1], b""], lines[:-1]):
            found = found_in(_with_lines(long, n, short, blank), tmp_path / "b")
            leaf = 256 * n + width - 1
            sentence = f"the tile cannot be read as {width} entries: entry {leaf} is not to be had"
            assert f"{_name(n)}: {sentence}" in found
        for cut in (1, last, last + 1):
            assert found_in(long | {_name(n): long[_name(n)][:-cut]}, tmp_path / "b"), (n, cut)


def test_a_tile_of_entries_that_goes_on_is_found(long: Files, tmp_path: Path) -> None:
    for n in WIDTHS:
        for more in (b"\0", b"\0\0", b"\xff\xff", b"\0\2{}"):
            assert found_in(long | {_name(n): long[_name(n)] + more}, tmp_path / "b"), (n, more)


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────


def _forget_checkpoints(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        connection.execute(delete(checkpoints))
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'checkpoints'"))


def test_a_key_whose_checkpoints_are_all_gone_has_not_handed_over(
    day: Rehearsal, tmp_path: Path
) -> None:
    sign(day)
    _forget_checkpoints(day)
    put_key(day, FORGER, LOG)
    sign(day, FORGER)
    with reading(day.engine) as connection:
        found = verdict(connection)
        assert (found.findings, found.broken) == ((), ((LOG.vkey, FORGER.vkey),))
        (flaw,) = verdict(connection, Asked(keys=(key(LOG),))).findings
        assert str(flaw).startswith(f"{FORGER.vkey}: ")
    signed_log.export(day, tmp_path / "b")
    (flaw,) = verify_bundle.bundle(tmp_path / "b", Asked(keys=(key(LOG),))).findings
    assert str(flaw) == f"{LOG.vkey}: you know it as a key of the log, and the log has no such key"


def test_a_key_that_was_passed_over_has_not_handed_over(day: Rehearsal) -> None:
    sign(day)
    put_key(day, NEXT, LOG)
    put_key(day, FORGER, NEXT)
    sign(day, LOG, FORGER)
    with reading(day.engine) as connection:
        assert verdict(connection).broken == (
            (LOG.vkey, NEXT.vkey), (NEXT.vkey, FORGER.vkey),
        )  # fmt: skip
        assert verdict(connection, Asked(keys=(key(NEXT),))).findings
        assert verdict(connection, Asked(keys=(key(FORGER),))).findings == ()


def test_a_first_checkpoint_that_both_keys_have_signed_hands_over(day: Rehearsal) -> None:
    put_key(day, NEXT, LOG)
    sign(day, LOG, NEXT)
    with reading(day.engine) as connection:
        found = verdict(connection, Asked(keys=(key(LOG),)))
    assert (found.findings, found.broken) == ((), ())


def test_a_bundle_in_which_the_old_key_did_not_sign_is_refused(desk: Desk, tmp_path: Path) -> None:
    mine = bundles.handed_over(desk, LOG, FORGER)
    asked, size = Asked(keys=(key(LOG),), policy=False), len(mine.entries)
    right = bundles.whole(mine, (LOG, FORGER), (), (size,))
    assert found_in(right, tmp_path / "b", asked) == []
    by_one = right | {"handovers/001": bundles.head(mine.entries, FORGER)}
    assert f"handovers/001: {LOG.vkey} has not signed it" in found_in(by_one, tmp_path / "b", asked)
    alone = bundles.whole(mine, (FORGER,))
    assert found_in(alone, tmp_path / "b", asked) == [
        f"{LOG.vkey}: you know it as a key of the log, and the log has no such key"
    ]


def test_a_key_of_another_name_is_no_key_of_the_log(day: Rehearsal) -> None:
    other = Signer(name="log.example/other", seed=2)
    sign(day)
    put_key(day, other, LOG)
    sign(day, LOG)
    with reading(day.engine) as connection:
        found = list(map(str, verdict(connection).findings))
    wrong = f"{other.vkey} is no key of this log, which is called 'log.example/desk'"
    assert any(flaw.endswith(wrong) for flaw in found), found


# ── parts ────────────────────────────────────────────────────────────────────────────────────────


def _own(desk: Desk) -> list[int]:
    return [n for n, entry in enumerate(desk.entries) if b'"site_id":"0"' in entry]


def _part(desk: Desk, indexes: Sequence[int]) -> Files:
    """The part of these entries; each policy that one names is there."""
    files = bundles.part(desk, indexes)
    for digest, toml in desk.policies.items():
        if any(digest.encode() in desk.entries[n] for n in indexes):
            files[f"policies/{digest.removeprefix('sha256:')}.toml"] = toml.encode()
    return files


def test_a_part_does_not_show_which_policy_was_active_though_an_activation_is_in_it(
    desk: Desk, tmp_path: Path
) -> None:
    indexes = sorted({0, 1, *_own(desk)})
    folder = bundles.write(bundles.listed_again(_part(desk, indexes)), tmp_path / "b")
    found = verify_bundle.bundle(folder, Asked())
    assert (found.findings, found.periods) == ((), False)


def test_an_activation_that_follows_on_one_that_is_left_out_is_named(
    desk: Desk, tmp_path: Path
) -> None:
    own = next(n for n in _own(desk) if b'"policy_activated"' in desk.entries[n])
    first, second = sorted(desk.policies, key=lambda name: not bundles.is_documented(
        desk.policies[name]
    ))  # fmt: skip
    back = bundles.edited(
        desk.entries[own], site_seq="9", policy=first,
        data={"previous": second, "text": "0" * 64, "toml": desk.policies[first]},
    )  # fmt: skip
    longer = desk.with_entries([*desk.entries, back])
    index = len(desk.entries)
    found = found_in(_part(longer, [1, index]), tmp_path / "b", Asked())
    assert any(
        flaw.startswith(f"the desk, entry 0-9, leaf {index}: the active policy was {first}")
        for flaw in found
    ), found


def test_two_sites_of_a_part_have_two_names(desk: Desk, tmp_path: Path) -> None:
    entry = next(entry for entry in desk.entries if b'"site_added"' in entry)
    twice = desk.with_entries([*desk.entries, bundles.edited(entry, site_id="9")])
    indexes = [twice.entries.index(entry), len(desk.entries)]
    found = found_in(_part(twice, indexes), tmp_path / "b")
    assert len(found) == 1
    assert found[0].startswith("entries.jsonl, line 2: site ")
    assert found[0].endswith(" is called 'shop.example' already")


# ── archives ─────────────────────────────────────────────────────────────────────────────────────


def _archive(file: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return file


def _member(name: str, size: int = 0) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size = size
    return member


def _refused(archive: Path) -> str:
    with pytest.raises(VerificationError) as refused, unpacked(archive):
        raise AssertionError("it was unpacked")
    return refused.value.message


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE, b"Z"])
def test_an_archive_holds_no_files_of_a_special_kind(tmp_path: Path, kind: bytes) -> None:
    member = _member("checkpoint")
    member.type = kind
    assert "no plain file" in _refused(_archive(tmp_path / "b.tar", member))


def test_an_archive_holds_no_file_with_holes(tmp_path: Path) -> None:
    member = _member("checkpoint")
    member.pax_headers = {
        "GNU.sparse.map": "0,0", "GNU.sparse.size": str(10 << 20), "GNU.sparse.name": "checkpoint",
    }  # fmt: skip
    assert "no plain file" in _refused(_archive(tmp_path / "b.tar", member))


def test_an_archive_is_unpacked_up_to_a_size_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _archive(tmp_path / "b.tar", _member("log.vkey", 60), _member("entries.jsonl", 40))
    monkeypatch.setattr(bundle_folder, "MOST_BYTES", 100)
    with unpacked(archive) as folder:
        assert (folder / "entries.jsonl").stat().st_size == 40
    monkeypatch.setattr(bundle_folder, "MOST_BYTES", 99)
    assert "its files have more than 99 bytes: unpack it, and name the folder" in _refused(archive)


def test_no_file_of_an_archive_but_those_that_grow_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_folder, "MOST_IN_FILE", 50)
    growing = [_member("b/entries.jsonl", 60), _member("b/manifest.json", 60)]
    with unpacked(_archive(tmp_path / "a.tar", *growing, _member("b/log.vkey", 50))) as folder:
        assert (folder / "log.vkey").stat().st_size == 50
    large = _archive(tmp_path / "b.tar", *growing, _member("b/log.vkey", 51))
    assert "b/log.vkey: it has more than 50 bytes" in _refused(large)
