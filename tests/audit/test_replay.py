"""The replay: the tables are what the entries say, and whatever is not is found and named."""

from collections.abc import Iterable
from contextlib import closing
from random import Random
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Table, delete, insert, select, text, update

from incidents.audit.replay import OUTSIDE, Replay
from incidents.audit.rows import Finding, Share, Span
from incidents.machine import commands as c
from incidents.store.database.engine import reading
from incidents.store.schema import desk_tables, tables
from incidents.store.schema.catalogue import every_table
from tests.audit import tampering
from tests.audit.tampering import findings, only_finding, proved, tamper, unrecorded_changes
from tests.desk.rehearsal import Rehearsal, random_command, rehearsal

fill = tampering.fill


# ── all is well ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.both_databases
def test_a_history_of_every_kind_replays_to_the_tables(day: Rehearsal) -> None:
    with reading(day.engine) as connection:
        replay = Replay(connection)
        assert list(replay.findings()) == []
        assert replay.sites == 4
        assert replay.entries == connection.scalar(text("SELECT count(*) FROM entries"))


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 6))]
)
def test_random_days_at_the_desk_replay_to_the_tables(db_url: str, seed: int) -> None:
    draw = Random(seed)
    with rehearsal(db_url) as day:
        day.add("a.example", "b.example")
        for n in range(120):
            day.later(minutes=draw.choice((0, 1, 20, 61, 300)))
            site = draw.choice(("a.example", "b.example"))
            day.give(random_command(draw, day.now, n // 4, day.outside(site)), site)
            if n % 10 == 0:
                day.elapse()
        with reading(day.engine) as connection:
            assert findings(connection) == []


def test_a_database_without_a_record_replays_to_nothing(db_url: str) -> None:
    with rehearsal(db_url) as day, reading(day.engine) as connection:
        assert findings(connection) == []


def test_one_site_is_replayed_alone(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        connection.execute(update(tables.sites).where(tables.sites.c.id == 2).values(run=7))
        replay = Replay(connection, Share(sites=Span.of(1)))
        assert list(replay.findings()) == []
        assert replay.sites == 1
        [finding] = findings(connection, 2)
        assert finding.site == "b.example"


@pytest.mark.both_databases
def test_a_replay_sees_one_state_of_the_database_while_the_desk_writes(own_day: Rehearsal) -> None:
    with reading(own_day.engine) as connection:
        replay = Replay(connection)
        found = replay.findings()
        connection.execute(select(desk_tables.desk)).all()
        assert own_day.give(c.Log(by="li", again=True), "a.example").refusal is None
        assert own_day.give(c.EditSite(by="li", phone="010 5555 0199"), "d.example").refusal is None
        assert list(found) == []
    with reading(own_day.engine) as connection:
        assert findings(connection) == []


# ── a changed value ──────────────────────────────────────────────────────────────────────────────


def _unnoticed(
    day: Rehearsal, columns: Iterable[tuple[Table, Column[Any]]], *, empty: bool
) -> list[str]:
    """Those in which a value is changed and not found, of a row in which it is none, or is not."""
    missed = []
    for table, column in columns:
        with unrecorded_changes(day.engine) as connection:
            if not tamper(connection, table, column, empty=empty):
                assert empty, f"the history leaves {column} empty"
                continue
            with closing(Replay(connection).findings()) as found:
                if not any(finding.table == table.name for finding in found):
                    missed.append(str(column))
    return missed


@pytest.mark.parametrize("name", sorted({table.name for table, _ in proved()}))
def test_a_value_changed_behind_the_desk_s_back_is_found(day: Rehearsal, name: str) -> None:
    columns = [each for each in proved() if each[0].name == name]
    assert _unnoticed(day, columns, empty=False) == []


@pytest.mark.long
def test_a_value_put_where_there_was_none_is_found(day: Rehearsal) -> None:
    assert _unnoticed(day, [each for each in proved() if each[1].nullable], empty=True) == []


@pytest.mark.both_databases
def test_a_value_of_each_type_is_compared_as_the_database_keeps_it(day: Rehearsal) -> None:
    of_type = {type(column.type): (table, column) for table, column in proved()}
    assert len(of_type) > 5
    assert _unnoticed(day, of_type.values(), empty=False) == []
    none = {type(column.type): (table, column) for table, column in proved() if column.nullable}
    assert _unnoticed(day, none.values(), empty=True) == []


def test_a_finding_names_site_table_row_column_and_both_values(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        mine = tables.incidents.c.site_id == 1
        connection.execute(
            update(tables.incidents).where(mine, tables.incidents.c.n == 1).values(state="removed")
        )
        assert findings(connection) == [
            Finding(
                site="a.example", table="incidents", row="1-1", problem="changed",
                column="state", expected="unreached", found="removed",
            )
        ]  # fmt: skip


def test_times_are_told_as_people_write_them(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        tamper(connection, tables.suspensions, tables.suspensions.c.until, empty=False)
        [finding] = findings(connection)
    assert finding.expected == "2026-03-02T00:00:00Z"
    assert finding.found == "2026-03-02T00:00:00.000001Z"


def test_what_nobody_can_read_any_more_is_found_like_anything_else(day: Rehearsal) -> None:
    finding = only_finding(day, text("UPDATE sites SET closure = '{' WHERE id = 2"))
    assert (finding.column, finding.found) == ("closure", "{")


def test_a_deleted_and_an_added_row_are_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        connection.execute(delete(tables.contacts).where(tables.contacts.c.incident == 1))
        row = connection.execute(select(tables.claims).limit(1)).mappings().one()
        connection.execute(insert(tables.claims).values({**row, "item": "2"}))
        found = {(f.table, f.row, f.problem) for f in findings(connection)}
    assert found == {("contacts", "1-1-1", "deleted"), ("claims", "1-2", "added")}


def test_a_site_that_the_record_does_not_know_is_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        row = connection.execute(select(tables.sites).limit(1)).mappings().one()
        connection.execute(insert(tables.sites).values({**row, "id": 99, "name": "z.example"}))
        [finding] = findings(connection)
    assert (finding.table, finding.row, finding.problem) == ("sites", "99", "added")


def test_a_site_whose_row_is_gone_is_found(day: Rehearsal) -> None:
    finding = only_finding(day, delete(tables.sites).where(tables.sites.c.id == 3))
    assert (finding.site, finding.table, finding.problem) == ("c.example", "sites", "deleted")


def test_words_that_are_not_those_that_were_sealed_are_found_without_being_told(
    day: Rehearsal,
) -> None:
    ordered = desk_tables.sealed.c.value == "ordered"
    finding = only_finding(
        day, update(desk_tables.sealed).where(ordered).values(value="a kind request")
    )
    assert (finding.table, finding.problem) == ("sealed", "broken_seal")
    assert "request" not in repr(finding)


def test_each_of_the_words_that_are_gone_without_a_record_is_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        gone = set(connection.scalars(select(desk_tables.sealed.c.ref)))
        connection.execute(delete(desk_tables.sealed))
        found = findings(connection)
    assert {finding.problem for finding in found} == {"erased_without_record"}
    assert sorted(finding.row for finding in found) == sorted(gone)
    assert {finding.site for finding in found} >= {"the desk", "a.example", "b.example"}


def test_what_is_outside_the_proof_is_listed_by_name_with_its_reason() -> None:
    everything = {
        name
        for table in every_table().sorted_tables
        for name in (table.name, *(f"{table.name}.{column.name}" for column in table.c))
    }
    assert set(OUTSIDE) <= everything
    assert all(len(reason) > 10 for reason in OUTSIDE.values())
    assert set(OUTSIDE) == {
        "entries.id", "entries.body", "entries.leaf_hash", "desk.id", "keys", "heartbeats",
        "alarms", "passwords", "sessions", "saved_views", "attempts", "sign_ins", "refusals",
        "factors", "invitations.seal",
        "tokens.seal", "desk.identity", "desk.lineage", "desk.resumed_at", "desk.lost_since",
        "desk.moved_at", "desk.noticed_at", "desk.unproved_since", "desk.halted_since",
        "desk.halted_why", "desk.compared_at", "uncompared",
        "sealed.site_id", "sealed.sealed_at", "deliveries.since", "deliveries.attempts",
        "deliveries.next_at", "deliveries.held_by",
        "deliveries.tried_at", "deliveries.adapter", "deliveries.problem", "deliveries.detail",
        "leaves", "tiles", "log_head", "checkpoints", "cosignatures", "stamps",
        "footers", "rehearsal", "archive_parts", "archived_sites", "report_hosts", "holdings",
        "reports.reporter", "reports.category", "reports.seen_at", "reports.message_id",
        "reports.rank", "answers.reporter", "waiting_answers", "desk.answered",
        "waiting_snapshots", "desk.looked",
    }  # fmt: skip


# ── the entries themselves ───────────────────────────────────────────────────────────────────────


def _entry(site_id: int, seq: int) -> Any:
    return desk_tables.entries.c.site_id == site_id, desk_tables.entries.c.site_seq == seq


def _rewrite(connection: Connection, seq: int, old: str, new: str, site_id: int = 1) -> None:
    where = _entry(site_id, seq)
    body: str = connection.execute(select(desk_tables.entries.c.body).where(*where)).scalar_one()
    assert old in body
    connection.execute(
        update(desk_tables.entries).where(*where).values(body=body.replace(old, new))
    )


def _after_rewriting(day: Rehearsal, seq: int, old: str, new: str, site_id: int = 1) -> Finding:
    with unrecorded_changes(day.engine) as connection:
        _rewrite(connection, seq, old, new, site_id)
        [finding] = findings(connection)
    return finding


def test_a_missing_entry_is_found_and_the_rest_of_its_site_is_not_compared(day: Rehearsal) -> None:
    finding = only_finding(day, delete(desk_tables.entries).where(*_entry(1, 3)))
    assert (finding.row, finding.problem) == ("1-3", "missing_entry")


def test_the_last_entry_of_a_site_is_missed_too(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        last = connection.scalar(text("SELECT max(site_seq) FROM entries WHERE site_id = 3"))
        connection.execute(delete(desk_tables.entries).where(*_entry(3, last)))
        found = findings(connection)
    assert {(f.site, f.column) for f in found} >= {("c.example", "seq"), ("c.example", "held")}


def test_all_entries_of_a_site_are_missed(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        connection.execute(delete(desk_tables.entries).where(desk_tables.entries.c.site_id == 4))
        assert {(f.table, f.row) for f in findings(connection)} >= {("sites", "4")}


def test_a_doubled_entry_is_found(day: Rehearsal) -> None:
    """Under its own number the schema takes none, so the copy stands under another."""
    with unrecorded_changes(day.engine) as connection:
        last = connection.scalar(text("SELECT max(site_seq) FROM entries WHERE site_id = 3"))
        row = connection.execute(
            select(desk_tables.entries).where(*_entry(3, last))
        ).mappings().one()  # fmt: skip
        copy = {**row, "id": row["id"] + 1_000, "site_seq": last + 1}
        connection.execute(insert(desk_tables.entries).values(copy))
        [finding] = findings(connection)
    assert (finding.row, finding.problem) == (f"3-{last + 1}", "misplaced_entry")


def test_a_doubled_entry_is_found_where_the_schema_has_lost_its_index(own_day: Rehearsal) -> None:
    with unrecorded_changes(own_day.engine) as connection:
        connection.execute(text("DROP INDEX uq_entries_site_id_site_seq"))
        row = connection.execute(
            select(desk_tables.entries).where(*_entry(3, 1))
        ).mappings().one()  # fmt: skip
        connection.execute(insert(desk_tables.entries).values({**row, "id": row["id"] + 1_000}))
        [finding] = findings(connection)
    assert (finding.row, finding.problem) == ("3-1", "misplaced_entry")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{", ""),
        ('"v":1', '"v":2'),
        ('"kind":"incident_logged"', '"kind":"incident_lost"'),
        ('"incident":"1-1"', '"incident":7'),
        ('"2026-', '"year 2026-'),
        (":", " : "),
    ],
)
def test_an_entry_that_cannot_be_read_is_found(day: Rehearsal, old: str, new: str) -> None:
    finding = _after_rewriting(day, 2, old, new)
    assert (finding.row, finding.problem) == ("1-2", "unreadable_entry")
    assert finding.found


@pytest.mark.parametrize(
    ("seq", "old", "new"),
    [
        (2, '"state_to":"open"', '"state_to":"refused"'),
        (2, '"state_from":"new"', '"state_from":"notified"'),
        (2, '"incident":"1-1"', '"incident":"1-4"'),
        (3, '"incident":"1-1"', '"incident":"1-9"'),
        (7, '"site_from":"active"', '"site_from":"closed"'),
    ],
)
def test_an_impossible_move_is_found(day: Rehearsal, seq: int, old: str, new: str) -> None:
    finding = _after_rewriting(day, seq, old, new)
    assert (finding.row, finding.problem) == (f"1-{seq}", "impossible_entry")


def test_a_record_that_does_not_begin_with_its_site_is_found(day: Rehearsal) -> None:
    finding = _after_rewriting(day, 1, '"kind":"site_added"', '"kind":"site_edited"')
    assert (finding.row, finding.problem) == ("1-1", "impossible_entry")


def test_an_entry_of_another_site_is_found(day: Rehearsal) -> None:
    finding = _after_rewriting(day, 2, '"site":"a.example"', '"site":"b.example"')
    assert finding.problem == "misplaced_entry"
    assert "b.example" in finding.found


def test_an_entry_before_its_predecessor_is_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        _rewrite(connection, 2, '"recorded_at":"2026-03-01T10', '"recorded_at":"2026-02-01T10')
        assert [f.problem for f in findings(connection)] == ["changed"]
        rows = update(desk_tables.entries).where(*_entry(1, 2))
        at = select(desk_tables.entries.c.recorded_at).where(*_entry(1, 2))
        then = connection.execute(at).scalar_one().replace(month=2)
        connection.execute(rows.values(recorded_at=then))
        assert [f.problem for f in findings(connection)] == ["misplaced_entry"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"previous":"sha256:', '"previous":"sha256:0'),
        ("count = 4", "count = 5"),
        ('"site_seq":"1"', '"site_seq":"2"'),
        ('"kind":"policy_activated"', '"kind":"hold_set"'),
    ],
)
def test_an_activation_that_nobody_made_is_found(day: Rehearsal, old: str, new: str) -> None:
    finding = _after_rewriting(day, 1, old, new, site_id=0)
    assert (finding.site, finding.row) == ("the desk", "0-1")


def test_an_activation_that_is_gone_is_found(day: Rehearsal) -> None:
    finding = only_finding(day, delete(desk_tables.entries).where(*_entry(0, 1)))
    assert (finding.row, finding.found) == ("0-2", "entry 1 is missing")


def test_the_last_acts_of_the_desk_that_are_gone_are_found(day: Rehearsal) -> None:
    with unrecorded_changes(day.engine) as connection:
        of = desk_tables.entries.c
        connection.execute(delete(desk_tables.entries).where(of.site_id == 0, of.site_seq >= 2))
        assert {(f.table, f.problem) for f in findings(connection)} == {
            ("log_keys", "added"), ("accounts", "added"), ("tokens", "added"), ("desk", "changed"),
            ("serve_keys", "added"), ("invitations", "added"), ("passwords", "added"),
            ("reports", "added"), ("intake_rules", "added"), ("reporters", "added"),
            ("answers", "added"), ("report_snapshots", "added"),
            ("report_reopenings", "added"),
            ("report_incidents", "added"),
        }  # fmt: skip
