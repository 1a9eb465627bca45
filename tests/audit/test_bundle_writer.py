"""The bundle: to the byte what an export must look like, whole or not at all, nobody else's."""

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from incidents.audit.export import Selection
from incidents.audit.proof import bundle_archive
from incidents.audit.proof.bundle_writer import NothingCoveredError, Order, PolicyTextError
from incidents.audit.proof.voucher import NothingSignedError, last_voucher
from incidents.errors import InputError, VerificationError
from incidents.machine import commands as c
from incidents.machine.events import IncidentLogged
from incidents.record.entry import encode
from incidents.store.database.engine import writing
from incidents.store.entries import Entry, add_entries
from incidents.tlog import note
from incidents.tlog.note import parse_checkpoint
from incidents.views.case import case_report
from tests.audit import auditor, bundles
from tests.audit.bundles import LOG, NEXT, WITNESS, Files
from tests.audit.histories import Histories
from tests.audit.signed_log import CANARY, a_case, export, on_log, put_key, sign
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal
from tests.patience import PATIENCE_S

LONG = pytest.mark.long


def _signed(day: Rehearsal) -> None:
    a_case(day)
    sign(day, witnesses=[WITNESS])


@pytest.fixture
def signed(db_url: str, histories: Histories) -> Iterator[Rehearsal]:
    """The day of `a_case`, signed and witnessed."""
    with histories.after(_signed, db_url) as day:
        yield day


def _of_shop(**more: Any) -> Order:
    """The case of shop.example, which is site 1."""
    return case_report.order(Selection(site_id=1, **more))


def _files(day: Rehearsal, folder: Path, order: Order | None = None) -> Files:
    """What is exported there."""
    export(day, folder, order)
    return bundles.read(folder)


def _entries(files: Files) -> list[dict[str, Any]]:
    return [json.loads(line) for line in files["entries.jsonl"].splitlines()]


# ── the whole record ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_a_whole_bundle_is_to_the_byte_what_its_definition_says(
    signed: Rehearsal, tmp_path: Path
) -> None:
    written = export(signed, tmp_path / "bundle")
    expected = bundles.whole(on_log(signed), witnesses=[WITNESS])
    assert bundles.read(tmp_path / "bundle") == expected
    assert (written.entries, written.uncovered, written.broken) == (written.size, 0, ())
    found = auditor.told(tmp_path / "bundle", keys=[LOG.vkey], witnesses=[WITNESS.vkey])
    assert found["wrong"] == []


@pytest.mark.parametrize("more", [255, 256, 257, 700])
def test_tiles_are_right_at_each_width(sqlite_url: str, more: int, tmp_path: Path) -> None:
    with rehearsal(sqlite_url) as day:
        put_key(day, LOG)
        _fill(day, more - 1)
        sign(day)
        assert export(day, tmp_path / "bundle").size == more
        assert bundles.read(tmp_path / "bundle") == bundles.whole(on_log(day))
    assert auditor.wrong(tmp_path / "bundle") == []


def test_entries_that_no_checkpoint_covers_are_counted_and_left_out(
    signed: Rehearsal, tmp_path: Path
) -> None:
    expected = bundles.whole(on_log(signed), witnesses=[WITNESS])
    signed.give(c.RecordContact(by="li", outcome="no-answer", incident=1), "shop.example")
    signed.give(c.Log(by="li", again=True), f"{CANARY}.example")
    there = signed.rows("SELECT count(*) FROM entries")[0][0]
    written = export(signed, tmp_path / "bundle")
    assert written.uncovered > 0
    assert written.entries + written.uncovered == there
    assert bundles.read(tmp_path / "bundle") == expected
    of_shop = export(signed, tmp_path / "shop", _of_shop())
    assert 0 < of_shop.uncovered < written.uncovered


def test_a_key_that_was_handed_over_comes_with_the_note_that_both_have_signed(
    signed: Rehearsal, tmp_path: Path
) -> None:
    put_key(signed, NEXT, LOG)
    both = sign(signed, LOG, NEXT)
    signed.give(c.Log(by="li", again=True), "shop.example")
    sign(signed, NEXT)
    export(signed, tmp_path / "bundle")
    size = parse_checkpoint(note.parse(both).text).size
    expected = bundles.whole(on_log(signed), keys=[LOG, NEXT], handovers=[size])
    assert bundles.read(tmp_path / "bundle") == expected
    for known in (LOG, NEXT):
        assert auditor.wrong(tmp_path / "bundle", keys=[known.vkey]) == []


def test_the_checkpoint_of_the_handover_itself_can_be_exported(
    signed: Rehearsal, tmp_path: Path
) -> None:
    put_key(signed, NEXT, LOG)
    both = sign(signed, LOG, NEXT)
    files = _files(signed, tmp_path / "bundle")
    assert files["handovers/001"] == files["checkpoint"] == both
    assert auditor.wrong(tmp_path / "bundle", keys=[LOG.vkey]) == []


def test_a_key_that_is_on_record_and_has_not_signed_yet_is_not_among_the_keys(
    signed: Rehearsal, tmp_path: Path
) -> None:
    put_key(signed, NEXT, LOG)
    export(signed, tmp_path / "bundle")
    assert bundles.read(tmp_path / "bundle")["log.vkey"].decode() == f"{LOG.vkey}\n"
    assert auditor.wrong(tmp_path / "bundle", keys=[LOG.vkey]) == []


def test_a_key_that_was_lost_and_handed_over_to_none_is_told_and_no_trust_in_it_leads_on(
    signed: Rehearsal, tmp_path: Path
) -> None:
    put_key(signed, NEXT, LOG)
    sign(signed, NEXT)
    assert export(signed, tmp_path / "bundle").broken == (LOG.vkey,)
    assert auditor.wrong(tmp_path / "bundle", keys=[NEXT.vkey]) == []
    assert "does not hold the key" in auditor.wrong(tmp_path / "bundle", keys=[LOG.vkey])[0]


# ── a part of it ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_a_case_comes_with_a_proof_for_each_entry_and_a_report(
    signed: Rehearsal, tmp_path: Path
) -> None:
    files = _files(signed, tmp_path / "bundle", _of_shop())
    expected = _expected_part(signed, files, _is_of_shop_or_the_desk_s_own)
    assert {k: v for k, v in files.items() if k != "manifest.json"} == {
        k: v for k, v in expected.items() if k != "manifest.json"
    }
    assert json.loads(files["manifest.json"]) == json.loads(expected["manifest.json"])
    assert {entry["site"] for entry in _entries(files)} == {"shop.example", ""}
    found = auditor.told(tmp_path / "bundle", keys=[LOG.vkey], witnesses=[WITNESS.vkey])
    assert found["wrong"] == []


def test_nothing_of_another_site_shows_in_a_case(signed: Rehearsal, tmp_path: Path) -> None:
    export(signed, tmp_path / "bundle", case_report.order(Selection(site_id=1), with_words=True))
    export(signed, tmp_path / "whole")
    shown = b"".join(bundles.read(tmp_path / "bundle").values())
    assert b"shop.example" in shown
    assert CANARY.encode() not in shown
    assert CANARY.encode() in b"".join(bundles.read(tmp_path / "whole").values())


def test_a_period_has_its_entries_of_all_sites_and_the_acts_by_which_policies_and_keys_were_named(
    signed: Rehearsal, tmp_path: Path
) -> None:
    noon = TEN + timedelta(hours=2)
    files = _files(signed, tmp_path / "bundle", Order(wanted=Selection(since=noon)))
    assert auditor.wrong(tmp_path / "bundle", keys=[LOG.vkey]) == []
    assert "report.html" not in files
    for entry in _entries(files):
        late = datetime.fromisoformat(entry["recorded_at"]) >= noon
        assert late or entry["kind"] in ("policy_activated", "log_key_made")
    assert {"policy_activated", "log_key_made"} < {entry["kind"] for entry in _entries(files)}
    assert {entry["site"] for entry in _entries(files)} == {
        "", "shop.example", f"{CANARY}.example",
    }  # fmt: skip


def test_a_case_of_a_period_begins_later_and_is_found_right(
    signed: Rehearsal, tmp_path: Path
) -> None:
    order = _of_shop(since=TEN + timedelta(hours=2), until=TEN + timedelta(hours=14, minutes=6))
    export(signed, tmp_path / "bundle", order)
    assert auditor.wrong(tmp_path / "bundle", keys=[LOG.vkey]) == []
    seqs = [int(e["site_seq"]) for e in _entries(bundles.read(tmp_path / "bundle")) if e["site"]]
    assert seqs[0] > 1
    assert seqs == list(range(seqs[0], seqs[-1] + 1))


def _is_of_shop_or_the_desk_s_own(entry: dict[str, Any]) -> bool:
    return entry["site"] == "shop.example" or entry["kind"] in (
        "policy_activated", "log_key_made",
    )  # fmt: skip


def _expected_part(day: Rehearsal, files: Files, wanted: Any) -> Files:
    desk = on_log(day)
    indexes = [n for n, body in enumerate(desk.entries) if wanted(json.loads(body))]
    expected = bundles.part(desk, indexes, witnesses=[WITNESS])
    # The page is another test's.
    expected["report.html"] = files["report.html"]
    return bundles.listed_again(expected)


# ── refused ──────────────────────────────────────────────────────────────────────────────────────


def test_without_a_checkpoint_it_says_how_to_make_one(sqlite_url: str, tmp_path: Path) -> None:
    said = r"make a key on the machine that keeps the log, then sign"
    with rehearsal(sqlite_url) as day, pytest.raises(NothingSignedError, match=said):
        export(day, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_with_a_key_and_no_checkpoint_it_says_only_to_sign(sqlite_url: str) -> None:
    with rehearsal(sqlite_url) as day:
        put_key(day, LOG)
        with pytest.raises(NothingSignedError) as found, writing(day.engine) as connection:
            last_voucher(connection)
    assert found.value.message == (
        "the log is not signed yet: sign it on the machine that keeps the key"
    )
    assert found.value.facts["needs_key"] is False


def test_an_empty_selection_is_refused(signed: Rehearsal, tmp_path: Path) -> None:
    late = TEN + timedelta(days=9)
    with pytest.raises(
        NothingCoveredError,
        match="no checkpoint covers any entry of this selection: nothing was written",
    ):
        export(signed, tmp_path / "bundle", _of_shop(since=late))
    signed.now = late
    signed.give(c.Log(by="li", again=True), "shop.example")
    with pytest.raises(NothingCoveredError, match=r"yet \(sign what there is first\)"):
        export(signed, tmp_path / "bundle", _of_shop(since=late))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["bundle", "bundle.tar.zst"])
def test_what_is_there_already_is_not_touched(signed: Rehearsal, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"last month's")
    with pytest.raises(InputError, match="already exists"):
        export(signed, tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"last month's"
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["bundle.zip", "bundle.tar", "bundle.tar.gz", "bundle.zst"])
def test_the_name_of_another_kind_of_archive_is_refused(
    signed: Rehearsal, tmp_path: Path, name: str
) -> None:
    with pytest.raises(InputError, match="cannot be a bundle: name a folder, or a file"):
        export(signed, tmp_path / name)


@pytest.mark.parametrize("order", [Order(), case_report.order(Selection(site_id=1))])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET body = replace(body, '\"li\"', '\"wu\"') WHERE site_id = 1",
        "DELETE FROM entries WHERE site_id = 1 AND site_seq = 2",
        "UPDATE checkpoints SET root = entries.leaf_hash FROM entries WHERE entries.id = 1",
    ],
)
def test_what_is_not_as_it_was_signed_is_not_exported(
    signed: Rehearsal, tmp_path: Path, change: str, order: Order
) -> None:
    with writing(signed.engine) as connection:
        connection.exec_driver_sql(change)
    said = r"(See what is wrong with `incidents audit verify`|Verify the log to see what is wrong)"
    with pytest.raises(VerificationError, match=said):
        export(signed, tmp_path / "bundle", order)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE policies SET toml = replace(toml, 'count = 4', 'count = 5')", "is another"),
        ("UPDATE policies SET toml = 'nonsense'", "is another"),
        ("DELETE FROM policies WHERE activated_at IS NOT NULL", "is missing"),
    ],
)
def test_a_policy_whose_text_is_not_its_digest_s_is_not_exported(
    signed: Rehearsal, tmp_path: Path, change: str, said: str
) -> None:
    with writing(signed.engine) as connection:
        # The desk's row names the active one: it must name none that is deleted.
        connection.exec_driver_sql(
            "UPDATE desk SET policy = (SELECT digest FROM policies WHERE activated_at IS NULL)"
        )
        connection.exec_driver_sql(change)
    with pytest.raises(PolicyTextError, match=said):
        export(signed, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


# ── the archive ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("order", [Order(), case_report.order(Selection(site_id=1))])
def test_the_same_content_is_the_same_archive(
    signed: Rehearsal, tmp_path: Path, order: Order
) -> None:
    export(signed, tmp_path / "one.tar.zst", order)
    export(signed, tmp_path / "folder", order)
    signed.later(hours=3)
    export(signed, tmp_path / "two.tar.zst", order)
    first, second = (tmp_path / f"{name}.tar.zst" for name in ("one", "two"))
    assert first.read_bytes() == second.read_bytes()
    assert _unpacked(first) == bundles.read(tmp_path / "folder")
    assert {path.name for path in tmp_path.iterdir()} == {"one.tar.zst", "two.tar.zst", "folder"}


def test_an_archive_holds_plain_files_of_nobody_the_manifest_first(
    signed: Rehearsal, tmp_path: Path
) -> None:
    export(signed, tmp_path / "one.tar.zst")
    members = _members(tmp_path / "one.tar.zst")
    assert members[0].name == "manifest.json"
    for member in members:
        assert member.isreg()
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert member.mode == 0o644
        assert member.mtime == int(signed.now.timestamp())


def _tar(archive: Path) -> tarfile.TarFile:
    unpacked = zstandard.ZstdDecompressor().stream_reader(archive.read_bytes()).read()
    return tarfile.open(fileobj=io.BytesIO(unpacked))


def _members(archive: Path) -> list[tarfile.TarInfo]:
    with _tar(archive) as tar:
        return tar.getmembers()


def _unpacked(archive: Path) -> Files:
    with _tar(archive) as tar:
        return {member.name: _read(tar, member) for member in tar}


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    opened = tar.extractfile(member)
    assert opened is not None
    return opened.read()


# ── whole or not at all ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["bundle", "bundle.tar.zst"])
def test_what_fails_half_way_leaves_nothing(
    signed: Rehearsal, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bundle_archive.NewFiles, "write_manifest", full)
    with pytest.raises(OSError, match="No space left"):
        export(signed, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from incidents.audit.proof import bundle_writer as bundle
from incidents.audit.proof.bundle_writer import Order
from incidents.store.database.engine import create, reading

def stop(_):
    print("half", flush=True)
    sys.stdin.read()

with reading(create(sys.argv[1])) as connection:
    bundle.write(connection, Path(sys.argv[2]), Order(), stop)
"""


@pytest.mark.parametrize("name", ["bundle.tar.zst", pytest.param("bundle", marks=LONG)])
def test_who_is_killed_half_way_leaves_nothing_under_the_name(
    db_url: str, signed: Rehearsal, tmp_path: Path, name: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, db_url, str(tmp_path / name)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"half\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait(PATIENCE_S)
    assert not (tmp_path / name).exists()
    export(signed, tmp_path / name)
    assert (tmp_path / name).exists()


def test_a_whole_bundle_needs_no_more_memory_for_more_entries(
    sqlite_url: str, tmp_path: Path
) -> None:
    def peak(day: Rehearsal, name: str) -> int:
        tracemalloc.start()
        export(day, tmp_path / name)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    with rehearsal(sqlite_url) as day:
        put_key(day, LOG)
        _fill(day, 2_000)
        sign(day)
        peak(day, "warm")
        few = peak(day, "few")
        _fill(day, 4_000, after=2_000)
        sign(day)
        assert peak(day, "many") < few * 1.3


def _fill(day: Rehearsal, n: int, after: int = 0) -> None:
    """Entries of a third site, as they come from nobody."""
    policy = day.desk.policy().digest
    with writing(day.engine) as connection:
        new = []
        for seq in range(after + 1, after + n + 1):
            event = IncidentLogged(
                occurred_at=TEN, recorded_at=TEN, by="li", policy=policy, incident=seq,
                state_from="new", state_to="open", contact_due=TEN,
            )  # fmt: skip
            body = encode(event, "filler.example", 9, seq, "desk1")
            new.append(Entry.of(9, seq, TEN, body))
        add_entries(connection, new)
