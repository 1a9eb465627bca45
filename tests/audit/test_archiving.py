"""The archiving: what moves into parts, and that nobody who reads the record can tell."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import timedelta
from errno import EACCES
from hashlib import sha256
from operator import itemgetter
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, delete, func, select, text, update
from sqlalchemy.exc import OperationalError

from incidents.audit import archive_plan, archiving
from incidents.audit.archive_plan import BadPartSizeError, End
from incidents.audit.archiving import (
    AlreadyArchivingError,
    NoArchiveFolderError,
    NotArchivableError,
    OutdatedPartError,
)
from incidents.audit.export import Selection
from incidents.audit.log import sequencer
from incidents.audit.proof import site_check, verification
from incidents.audit.proof.bundle_writer import Order
from incidents.audit.proof.signed_check import Held
from incidents.audit.proof.verdict import VerifyOptions
from incidents.audit.split import Split, replayed
from incidents.errors import DatabaseError
from incidents.machine import commands as c
from incidents.machine.orders import ACT, NOTICE
from incidents.settings.archive import MINIMUM
from incidents.store.archive import part_file, whole
from incidents.store.archive import parts as stored_parts
from incidents.store.archive.part import PartAlteredError, PartDeniedError, PartMissingError
from incidents.store.archive.part_file import Bounds
from incidents.store.archive.parts import archive_of, listed, without_digests
from incidents.store.database import schema
from incidents.store.database.engine import reading, writing
from incidents.store.entries import last_of_desk
from incidents.store.log import checkpoints
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.store.schema.log_tables import (
    archive_parts,
    archived_sites,
    deliveries,
    leaves,
    orders,
    tiles,
)
from tests.audit import auditor, signed_log, verifying
from tests.audit.histories import Histories
from tests.audit.old_days import (
    LATER,
    PART,
    SITES,
    archived,
    end,
    exported,
    fill,
    folder_of,
    give,
    settle,
)
from tests.audit.rewriting import held, seen
from tests.audit.signed_log import sign
from tests.audit.verifying import plain
from tests.audit.worker_threads import WorkerThread
from tests.conftest import WriteSettings
from tests.desk.rehearsal import TEN, Rehearsal

both = pytest.mark.both_databases


@pytest.fixture
def folder(tmp_path: Path, write_settings: WriteSettings) -> Path:
    """The folder of the parts."""
    write_settings(folder_of(tmp_path / "parts"))
    return tmp_path / "parts"


@pytest.fixture
def day(folder: Path, db_url: str, histories: Histories) -> Iterator[Rehearsal]:
    with histories.after(fill, db_url) as day:
        yield day


def rows(day: Rehearsal) -> dict[str, int]:
    """How many rows the database has."""
    with reading(day.engine) as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (entries, leaves, orders, tiles)
        }


def last_note(day: Rehearsal) -> Held:
    with reading(day.engine) as connection:
        last = checkpoints.last(connection)
    assert last is not None
    return held(last.note.encode())


def wrong(day: Rehearsal, **asked: object) -> list[str]:
    found = seen(day, VerifyOptions(**asked))  # type: ignore[arg-type]  # as the test says
    return plain(list(map(str, found.findings)))


# ── what moves ───────────────────────────────────────────────────────────────────────────────────


@both
def test_old_entries_are_in_parts_and_the_export_stays_the_same_to_the_byte(
    day: Rehearsal, folder: Path
) -> None:
    before, there = exported(day), rows(day)
    made = archived(day)
    assert [(each.part.first, each.part.end) for each in made] == [(0, 256), (256, 512)]
    assert sorted(file.name for file in folder.glob("*part*")) == [each.file for each in made]
    assert rows(day)["entries"] == there["entries"] - 2 * PART
    assert rows(day)["leaves"] == there["leaves"] - 2 * PART
    assert rows(day)["orders"] < there["orders"]
    assert exported(day) == before


def test_a_part_is_a_file_that_anybody_can_read_with_sqlite(day: Rehearsal, folder: Path) -> None:
    before = exported(day).splitlines()
    part = archived(day)[0].part
    data = (folder / part.file).read_bytes()
    assert (part.size, part.digest) == (len(data), sha256(data).hexdigest())
    with closing(sqlite3.connect(folder / part.file)) as opened:
        bodies = opened.execute(
            "SELECT body, leaf_hash FROM leaves JOIN entries ON id = entry_id ORDER BY leaf_index"
        ).fetchall()
        [(tile,)] = opened.execute("SELECT hashes FROM tiles").fetchall()
    assert [body.encode() for body, _ in bodies] == before[:PART]
    assert all(leaf == sha256(b"\0" + body.encode()).digest() for body, leaf in bodies)
    assert tile == b"".join(leaf for _, leaf in bodies)


@both
def test_selected_entries_are_exported_from_the_parts(day: Rehearsal) -> None:
    with reading(day.engine) as connection:
        since = connection.scalar(select(func.min(entries.c.recorded_at)))
    assert since is not None
    some = [
        Selection(site_id=2), Selection(since=since + timedelta(days=2)),
        Selection(until=since + timedelta(days=2)), Selection(site_id=1, since=day.now),
    ]  # fmt: skip
    before = [exported(day, each) for each in some]
    archived(day)
    assert [exported(day, each) for each in some] == before
    assert all(before[:3])


@both
def test_nothing_young_unsigned_or_unsettled_is_archived(day: Rehearsal) -> None:
    give(day, [(SITES[7], c.SetHold(by="li", reason="ordered"))])
    ((order, _), *_) = day.orders(SITES[7])
    sign(day)
    assert end(day, before=TEN).why == "too_young"
    assert len(archived(day)) == 2
    # The rest is filled up, so that the hold's order is in the next part.
    for n in range(20):
        give(day, ((site, c.AddNote(by="li", incident=1, audience="desk", text=f"note {n}"))
                   for site in SITES[1::2]))  # fmt: skip
    day.later(days=40)
    # On PostgreSQL the first run only learns that no entry can come between them any more.
    for _ in range(2):
        sequencer.number_all(day.engine)
    assert end(day).why == "not_signed"
    sign(day)
    found = end(day)
    assert (found.why, found.order) == ("unsettled", (8, order, ACT))
    settle(day)
    sign(day)
    assert len(archived(day)) == 1


def test_fewer_entries_than_a_part_holds_stay(day: Rehearsal) -> None:
    assert archived(day, many=2048) == []
    assert end(day, many=2048) == End("too_few")


def test_entries_that_another_may_still_come_between_are_not_said_to_be_too_few(
    day: Rehearsal,
) -> None:
    with writing(day.engine) as connection:
        connection.execute(text("UPDATE log_head SET floor = 100"))
    assert end(day) == End("not_signed")


def test_a_waiting_notice_that_stops_it_is_named_as_a_notice(day: Rehearsal) -> None:
    give(day, [(SITES[7], c.SetHold(by="li", reason="ordered"))])
    ((order, _), *_) = day.orders(SITES[7])
    with writing(day.engine) as connection:
        connection.execute(delete(deliveries).where(deliveries.c.lane == NOTICE))
        connection.execute(update(deliveries).values(lane=NOTICE))
        bounds = Bounds(0, 1, 10_000)
        assert archive_plan.unsettled(connection, bounds) == (8, order, NOTICE)
    assert End("unsettled", order=(8, order, NOTICE)).document()["order"] == f"8-o{order}.notice"


def test_a_part_has_whole_tiles(day: Rehearsal) -> None:
    with pytest.raises(BadPartSizeError, match="300"):
        archived(day, many=300)


@both
def test_a_dry_run_names_the_parts_that_a_run_makes(day: Rehearsal, folder: Path) -> None:
    with reading(day.engine) as connection:
        *planned, last = archive_plan.planned(connection, day.now - MINIMUM, PART)
    assert not folder.exists()
    assert [each.bounds for each in planned] == [each.part[:3] for each in archived(day)]  # type: ignore[union-attr]  # a part
    assert last == end(day)


def test_what_does_not_verify_is_not_archived(day: Rehearsal, folder: Path) -> None:
    with writing(day.engine) as connection:
        forged = "UPDATE entries SET body = replace(body, '2026', '2036') WHERE id = 300"
        connection.exec_driver_sql(forged)
    with pytest.raises(NotArchivableError, match=r"entries 256 to 511 .*its leaf hash"):
        archived(day)
    [part] = folder.glob("*part*")
    assert re.fullmatch(r"part-000000000000-000000000256-[0-9a-f]{8}\.db", part.name)


# ── nobody can tell ──────────────────────────────────────────────────────────────────────────────


@both
def test_the_log_verifies_with_parts_as_it_did_without(day: Rehearsal) -> None:
    before = seen(day)
    archived(day)
    found = seen(day)
    assert found.findings == before.findings == ()
    assert (found.entries, found.sites, found.size, found.root, found.policies) == (
        before.entries, before.sites, before.size, before.root, before.policies,
    )  # fmt: skip
    assert (before.archive, found.archive) == ((0, 0), (2, 2))


def test_several_processes_verify_and_replay_as_one_does(
    day: Rehearsal, worker_threads: list[WorkerThread]
) -> None:
    archived(day)
    assert verification.database(day.engine, VerifyOptions(), processes=2) == seen(day)
    split = Split(day.engine, processes=2)
    assert list(split.findings()) == []
    assert split.sites == len(SITES)
    assert len(worker_threads) == 4


@both
def test_the_tables_follow_from_entries_in_parts(day: Rehearsal) -> None:
    before = replayed(day.engine)
    archived(day)
    found = replayed(day.engine)
    assert found == before
    assert found.findings == ()
    with writing(day.engine) as connection:
        connection.execute(delete(orders))
        connection.exec_driver_sql("UPDATE incidents SET category = 'x' WHERE site_id = 2")
    assert {(each.table, each.problem) for each in replayed(day.engine).findings} == {
        ("orders", "deleted"), ("incidents", "changed"),
    }  # fmt: skip


@both
def test_the_desk_goes_on_with_a_site_whose_entries_are_in_parts(day: Rehearsal) -> None:
    archived(day)
    give(day, [(SITES[3], c.Log(by="li", again=True)), (SITES[0], c.Log(by="li", again=True))])
    sign(day)
    assert wrong(day) == []
    assert day.findings() == []


@both
@pytest.mark.parametrize("site", [None, 2])
def test_a_bundle_across_parts_is_the_same_to_the_byte(
    day: Rehearsal, tmp_path: Path, site: int | None
) -> None:
    order = Order(wanted=Selection(site_id=site))
    signed_log.export(day, tmp_path / "before", order)
    archived(day)
    signed_log.export(day, tmp_path / "after", order)
    contents = [
        {file.relative_to(each): file.read_bytes() for file in each.rglob("*") if file.is_file()}
        for each in (tmp_path / "before", tmp_path / "after")
    ]
    assert contents[0] == contents[1]
    assert auditor.wrong(tmp_path / "after") == verifying.wrong(tmp_path / "after") == []


# ── from an earlier checkpoint on ────────────────────────────────────────────────────────────────


@pytest.fixture
def _acts_of_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if nothing that was verified could have been within an act: the record is that small."""
    monkeypatch.setattr(site_check, "WITHIN_AN_ACTION", 0)


@both
@pytest.mark.usefixtures("_acts_of_one_entry")
def test_from_a_checkpoint_on_no_earlier_part_is_read(day: Rehearsal) -> None:
    archived(day)
    since = last_note(day)
    give(day, ((site, c.Log(by="li", again=True)) for site in LATER))
    sign(day)
    found, whole = seen(day, VerifyOptions(since=since)), seen(day)
    assert found.findings == ()
    assert found.archive == (2, 0)
    assert (found.entries, found.sites, found.root, found.keys) == (
        whole.entries, whole.sites, whole.root, whole.keys,
    )  # fmt: skip
    assert found.since is not None
    assert (found.since.size, found.since.sites) == (since.checkpoint.size, len(LATER))


@pytest.mark.usefixtures("_acts_of_one_entry")
def test_an_entry_changed_in_a_part_is_found_by_all_but_what_starts_after_it(
    day: Rehearsal, folder: Path
) -> None:
    part = archived(day)[1].part
    since = last_note(day)
    give(day, [(LATER[0], c.Log(by="li", again=True))])
    sign(day)
    last = "SELECT max(id) FROM entries WHERE site_id = 14"
    forged = "UPDATE entries SET body = replace(body, '2026', '2036')"
    change(folder / part.file, f"{forged} WHERE id = ({last})")
    assert wrong(day, since=since) == []
    found = wrong(day)
    assert any("its leaf hash is not that of its body" in each for each in found)
    assert any("SHA-256" in each and part.file in each for each in found)


@pytest.mark.usefixtures("_acts_of_one_entry")
@pytest.mark.parametrize(
    ("part", "sql"),
    [
        (0, "UPDATE tiles SET hashes = zeroblob(8192)"),
        (0, "UPDATE entries SET body = replace(body, 'li', 'lo') WHERE site_id = 0"),
        (1, "UPDATE entries SET site_seq = site_seq + 100 WHERE site_id = 1"),
    ],
)
def test_what_later_entries_depend_on_is_checked_from_a_checkpoint_on_too(
    day: Rehearsal, folder: Path, part: int, sql: str
) -> None:
    made = archived(day)
    since = last_note(day)
    give(day, [(LATER[0], c.Log(by="li", again=True))])
    sign(day)
    change(folder / made[part].file, sql)
    assert wrong(day, since=since) != []


# ── a part that is not there, or another ─────────────────────────────────────────────────────────


def change(file: Path, sql: str) -> None:
    """Change a part behind the desk's back; it keeps its size."""
    size = file.stat().st_size
    with closing(sqlite3.connect(file)) as opened:
        opened.execute("PRAGMA journal_mode = OFF")
        opened.execute(sql)
        opened.commit()
    assert file.stat().st_size == size


@both
def test_a_missing_part_is_named_and_never_a_shorter_history(day: Rehearsal, folder: Path) -> None:
    part = archived(day)[0].part
    (folder / part.file).unlink()
    way_out = rf"{part.file} cannot be read .*entries 0 to 255 .*Copy it back"
    for asked in (lambda: exported(day), lambda: seen(day), lambda: replayed(day.engine)):
        with pytest.raises(PartMissingError, match=way_out):
            asked()


def test_a_missing_part_is_counted_for_monitoring(day: Rehearsal, folder: Path) -> None:
    parts = [each.part for each in archived(day)]

    def counted() -> int:
        with reading(day.engine) as connection:
            return len(stored_parts.missing(connection))

    before = counted()
    (folder / parts[0].file).unlink()
    assert (before, counted()) == (0, 1)


def test_a_part_of_another_size_or_content_is_named(day: Rehearsal, folder: Path) -> None:
    first, second = (folder / each.file for each in archived(day))
    data = first.read_bytes()
    for other in (data[:-1], b"x" * len(data), second.read_bytes()[: len(data)].ljust(len(data))):
        first.write_bytes(other)
        with pytest.raises(
            PartAlteredError, match=r"was changed after it was archived .*whose SHA-256"
        ):
            exported(day)
    first.write_bytes(data)
    assert exported(day)


def test_a_part_that_may_not_be_read_is_not_called_altered(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(day)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(PartDeniedError, match=r"this user may not read .* let the user"):
        exported(day)
    with reading(day.engine) as connection:
        assert len(stored_parts.missing(connection)) == 2


@pytest.mark.parametrize("broken", ["SELECT nobody FROM entries", "SELECT 1 FROM no_table"])
def test_a_damaged_part_is_blamed_for_its_own_statements(day: Rehearsal, broken: str) -> None:
    archived(day)
    with reading(day.engine) as connection:
        with pytest.raises(PartAlteredError, match="no such"):
            whole.total(connection, text(broken))
        with pytest.raises(PartAlteredError, match="no such"):
            list(whole.merged(connection, text(broken), key=itemgetter(0)))


def test_an_error_of_the_database_is_not_blamed_on_the_parts_read_beside_it(
    day: Rehearsal,
) -> None:
    archived(day)
    of_parts_alone = text("SELECT first_leaf, end_leaf FROM part")
    with reading(day.engine) as connection, pytest.raises(OperationalError, match="no such table"):
        list(whole.merged(connection, of_parts_alone, key=itemgetter(0)))


@both
def test_a_part_without_entries_of_a_site_is_not_asked_for_it(day: Rehearsal, folder: Path) -> None:
    archived(day)
    day.add("young.example")
    [(young,)] = day.rows("SELECT id FROM sites WHERE name = 'young.example'")
    own = select(entries.c.site_seq).where(entries.c.site_id == young)
    for each in folder.glob("part-*"):
        each.unlink()
    with reading(day.engine) as connection:
        assert whole.of_one_site(connection, own, int(str(young))) == [(1,)]
        with pytest.raises(PartMissingError):
            whole.of_one_site(connection, own, 1)


@both
def test_a_wrong_list_of_the_sites_in_parts_is_found(day: Rehearsal) -> None:
    archived(day)
    with writing(day.engine) as connection:
        last = connection.scalar(select(func.max(archived_sites.c.site_id)))
        connection.execute(delete(archived_sites).where(archived_sites.c.site_id == last))
    [first, *_] = wrong(day)
    assert f"the first that differ: {last}" in first


@both
def test_a_part_whose_sites_are_not_listed_is_asked_for_all(day: Rehearsal) -> None:
    """A program of the revision before has made it."""
    archived(day)
    before = exported(day), seen(day)
    with writing(day.engine) as connection:
        connection.execute(delete(archived_sites))
        connection.execute(update(archive_parts).values(sites=None))
    assert (exported(day), seen(day)) == before
    assert wrong(day) == []


@both
def test_an_altered_body_of_the_same_size_is_never_shown(day: Rehearsal, folder: Path) -> None:
    part = archived(day)[0].part
    whole = exported(day)
    file = folder / part.file
    data = file.read_bytes()
    seen_at = file.stat()
    assert b"gambling" in data
    file.write_bytes(data.replace(b"gambling", b"gardenin"))
    os.utime(file, ns=(seen_at.st_atime_ns, seen_at.st_mtime_ns))
    for asked in (lambda: exported(day), lambda: replayed(day.engine)):
        with pytest.raises(PartAlteredError, match="its SHA-256 is"):
            asked()
    file.write_bytes(data)
    assert exported(day) == whole


def test_who_has_opened_a_part_does_not_hand_its_replaced_file_on(
    day: Rehearsal, folder: Path
) -> None:
    part = archived(day)[0].part
    file = folder / part.file
    asked = "SELECT count(*) FROM entries WHERE body LIKE '%gardenin%'"
    with reading(day.engine) as connection, without_digests():
        archive = archive_of(connection)
        altered = file.with_name("altered")
        altered.write_bytes(file.read_bytes().replace(b"gambling", b"gardenin"))
        with archive.opened(part) as first:
            assert first.exec_driver_sql(asked).scalar_one() == 0
            altered.replace(file)
            with archive.opened(part) as second:
                assert second.exec_driver_sql(asked).scalar_one() > 0
        with archive.opened(part) as third, archive.opened(part) as fourth:
            counts = [each.exec_driver_sql(asked).scalar_one() for each in (third, fourth)]
    assert all(counts)


@both
def test_the_time_of_the_desks_last_own_entry_is_known_when_it_is_in_a_part(
    day: Rehearsal,
) -> None:
    with reading(day.engine) as connection:
        before = last_of_desk(connection)
    assert before is not None
    archived(day)
    with reading(day.engine) as connection:
        left = select(func.count()).select_from(entries).where(entries.c.site_id == DESK_STREAM)
        assert connection.scalar(left) == 0
        assert last_of_desk(connection) == before


def test_a_schema_with_parts_is_not_taken_back(day: Rehearsal) -> None:
    archived(day)
    with pytest.raises(DatabaseError, match="2 archive parts hold entries"):
        schema.downgrade(day.engine, "0018")
    assert len(exported(day).splitlines()) > 2 * PART


def test_a_deleted_row_of_the_list_of_parts_is_found(day: Rehearsal) -> None:
    archived(day)
    with writing(day.engine) as connection:
        connection.exec_driver_sql("DELETE FROM archive_parts WHERE first_leaf = 0")
    assert any(
        "a part begins with entry 256, but entry 0 comes next" in each for each in wrong(day)
    )
    with writing(day.engine) as connection:
        connection.exec_driver_sql("DELETE FROM archive_parts")
    assert any("was deleted" in each or "are numbered" in each for each in wrong(day))


# ── two at once ──────────────────────────────────────────────────────────────────────────────────


@both
def test_a_reader_keeps_the_state_that_it_began_with(day: Rehearsal) -> None:
    before = exported(day)
    with reading(day.engine) as connection:
        assert listed(connection) == ()
        # SQLite fixes the state at the first query; both databases keep it.
        archived(day)
        assert listed(connection) == ()
        assert connection.scalar(select(func.count()).select_from(entries)) == before.count(b"\n")
    assert exported(day) == before


def test_an_archiver_that_another_was_faster_than_deletes_nothing(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, open_ = exported(day), writing

    @contextmanager
    def late(engine: Engine, *, limit_s: float | None) -> Iterator[Connection]:
        monkeypatch.setattr(archiving, "writing", open_)
        # It runs elsewhere, on a disk whose locks do not reach this machine.
        monkeypatch.setattr(archiving, "_alone", lambda _: nullcontext())
        archived(day)
        with open_(engine, limit_s=limit_s) as connection:
            yield connection

    monkeypatch.setattr(archiving, "writing", late)
    with pytest.raises(OutdatedPartError):
        archived(day)
    assert exported(day) == before
    assert wrong(day) == []


@both
def test_the_parts_of_a_server_need_a_folder_that_the_settings_name(
    day: Rehearsal, write_settings: WriteSettings
) -> None:
    there = rows(day)
    write_settings("")
    if day.engine.dialect.name == "sqlite":
        # They are beside the file.
        assert len(archived(day)) == 2
        return
    with pytest.raises(NoArchiveFolderError, match=r"set \[archive\] folder first"):
        archived(day)
    assert rows(day) == there


@both
def test_no_part_is_made_in_a_folder_without_the_earlier_ones(
    day: Rehearsal, folder: Path, tmp_path: Path
) -> None:
    run = archiving.archive(day.engine, day.now - MINIMUM, lambda: day.now, many=PART)
    with closing(run):  # type: ignore[type-var]  # a generator
        next(run)
    there = rows(day)
    [first] = folder.glob("part-*")
    first.rename(tmp_path / first.name)
    with pytest.raises(PartMissingError, match=first.name):
        archived(day)
    assert rows(day) == there
    (tmp_path / first.name).rename(first)
    assert len(archived(day)) == 1


def test_a_second_run_leaves_the_file_alone_that_the_first_one_writes(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, write = exported(day), part_file.write
    refused: list[str] = []

    def meanwhile(connection: Connection, file: Path, bounds: Bounds) -> None:
        write(connection, file, bounds)
        with pytest.raises(AlreadyArchivingError) as error:
            archived(day)
        refused.append(str(error.value))

    monkeypatch.setattr(part_file, "write", meanwhile)
    assert len(archived(day)) == 2
    assert len(refused) == 2
    assert "another run is archiving into the folder" in refused[0]
    assert exported(day) == before
    assert wrong(day) == []


@both
def test_programs_that_know_no_parts_may_not_use_the_database_once_there_is_one(
    day: Rehearsal,
) -> None:
    [(before,)] = day.rows("SELECT oldest FROM alembic_version")
    archived(day)
    [(after,)] = day.rows("SELECT oldest FROM alembic_version")
    assert (before, after) == ("0018", "0019")
    # Neither does a look at the schema name an older one.
    schema.upgrade(day.engine)
    assert day.rows("SELECT oldest FROM alembic_version") == [("0019",)]
