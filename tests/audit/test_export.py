"""The export: the stored bytes, in order, of one state of the database; CSV there and back."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.audit import export
from incidents.audit.export import COLUMNS, Selection
from incidents.machine import commands as c
from incidents.machine.events import IncidentLogged, Reason
from incidents.record.entry import UnreadableEntryError, encode
from incidents.store import batches
from incidents.store.database.engine import reading, writing
from incidents.store.entries import Entry, add_entries
from incidents.store.schema.types import canonical
from tests.audit import csv_reader
from tests.desk.rehearsal import TEN, Rehearsal, rehearsal

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "|", "%", "＝", "＋", "－", "＠", "'", " ")


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """Two sites, an hour apart, and a policy in between: entries 1 to 5."""
    with rehearsal(db_url) as day:
        day.add("a.example", "b.example")
        day.give(c.Log(by="li", note="seen"), "a.example")
        day.later(hours=1)
        day.desk.activate("[repeat]\ncount = 4\n", by="li", login="desk1", reason="agreed")
        day.give(c.Log(by="li"), "b.example")
        yield day


def _stored(day: Rehearsal) -> list[str]:
    return [str(body) for (body,) in day.rows("SELECT body FROM entries ORDER BY id")]


def _exported(day: Rehearsal, **wanted: Any) -> list[dict[str, Any]]:
    with reading(day.engine) as connection:
        lines = b"".join(export.jsonl(export.stored(connection, Selection(**wanted)))).splitlines()
        assert len(lines) == export.count(connection, Selection(**wanted))
    return [json.loads(line) for line in lines]


def test_json_lines_are_the_stored_bytes_in_the_order_of_their_ids(day: Rehearsal) -> None:
    with reading(day.engine) as connection:
        lines = b"".join(export.jsonl(export.stored(connection, Selection())))
    assert lines == "".join(f"{body}\n" for body in _stored(day)).encode()
    kinds = [json.loads(line)["kind"] for line in lines.splitlines()]
    assert kinds == [
        "site_added", "site_added", "incident_logged", "policy_activated", "incident_logged",
    ]  # fmt: skip


def test_since_is_included_and_until_is_not(day: Rehearsal) -> None:
    later = TEN + timedelta(hours=1)
    assert len(_exported(day, until=later)) == 3
    assert len(_exported(day, since=later)) == 2
    assert len(_exported(day, since=TEN, until=later)) == 3
    assert _exported(day, since=later + timedelta(microseconds=1)) == []


def test_a_site_s_export_has_its_own_entries_alone(day: Rehearsal) -> None:
    found = _exported(day, site_id=1)
    assert [(entry["site"], entry["site_seq"]) for entry in found] == [
        ("a.example", "1"), ("a.example", "2"),
    ]  # fmt: skip


def test_an_export_is_of_one_state_of_the_database_while_the_desk_writes(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "AT_ONCE", 2)
    with reading(day.engine) as connection:
        exported = export.stored(connection, Selection())
        first = next(exported)
        assert list(first) == _stored(day)[:2]
        assert day.give(c.Log(by="li", again=True), "a.example").refusal is None
        assert [*first, *chain.from_iterable(exported)] == _stored(day)[:5]
    assert len(_stored(day)) == 6


def test_an_export_needs_no_more_memory_for_more_entries(day: Rehearsal) -> None:
    def peak() -> int:
        with reading(day.engine) as connection:
            tracemalloc.start()
            size = sum(map(len, export.jsonl(export.stored(connection, Selection()))))
            used = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert size > 0
        return used

    def fill(first: int, n: int) -> None:
        body = "x" * 500
        with writing(day.engine) as connection:
            add_entries(
                connection, [Entry.of(9, seq, TEN, body) for seq in range(first, first + n)]
            )

    fill(1, 3_000)
    few = peak()
    fill(3_001, 12_000)
    assert peak() < few * 1.3


def test_the_bytes_of_an_entry_that_is_no_text_are_not_made_up() -> None:
    with pytest.raises(UnreadableEntryError):
        list(export.jsonl([["{}", b"{}"]]))  # type: ignore[list-item]  # as somebody has put it


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────

WILD = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from([*DANGEROUS, '"', ",", ";"]),
    max_size=20,
)
VALUES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | WILD
ENTRIES = st.fixed_dictionaries(
    {name: WILD for name in COLUMNS if name not in ("login", "rule", "reason", "data", "run", "v")}
    | {"v": st.just(1), "data": st.dictionaries(st.sampled_from("abc"), VALUES | st.lists(VALUES))},
    optional={
        "login": WILD,
        "rule": WILD,
        "run": st.integers(0, 9),
        "reason": st.dictionaries(st.sampled_from("ab"), VALUES),
    },
)


@given(st.lists(ENTRIES, max_size=5))
def test_csv_gives_the_canonical_bytes_back(entries: list[dict[str, Any]]) -> None:
    bodies = [canonical(entry) for entry in entries]
    written = b"".join(export.write_csv([bodies]))
    assert csv_reader.entries(written) == [body.encode() for body in bodies]


@given(st.lists(ENTRIES, min_size=1, max_size=3))
def test_no_cell_is_a_formula_to_a_spreadsheet(entries: list[dict[str, Any]]) -> None:
    written = b"".join(export.write_csv([list(map(canonical, entries))])).decode()
    for row in csv.reader(io.StringIO(written, newline="")):
        for cell in row:
            assert not cell.startswith(tuple(sign for sign in DANGEROUS if sign != "'"))


@pytest.mark.parametrize("sign", DANGEROUS)
def test_what_could_begin_a_formula_gets_an_apostrophe_and_loses_it_again(sign: str) -> None:
    body = _entry(actor=f'{sign}cmd|" /C calc"!A0')
    written = b"".join(export.write_csv([[body]]))
    [_, row] = csv.reader(io.StringIO(written.decode(), newline=""))
    assert row[COLUMNS.index("actor")] == f'\'{sign}cmd|" /C calc"!A0'
    assert csv_reader.entries(written) == [body.encode()]


def test_csv_is_rfc_4180_in_utf_8_with_a_header() -> None:
    written = b"".join(export.write_csv([[_entry(actor="王\n五")]]))
    assert written.startswith(",".join(COLUMNS).encode() + b"\r\n")
    assert '"王\n五"'.encode() in written
    assert written.endswith(b"\r\n")


def test_a_file_that_a_spreadsheet_has_marked_as_utf_8_is_read_too() -> None:
    written = b"\xef\xbb\xbf" + b"".join(export.write_csv([[_entry()]]))
    assert csv_reader.entries(written) == [_entry().encode()]


def test_what_the_desk_wrote_comes_back_from_csv(day: Rehearsal) -> None:
    with reading(day.engine) as connection:
        written = b"".join(export.write_csv(export.stored(connection, Selection())))
    assert csv_reader.entries(written) == [body.encode() for body in _stored(day)]


@pytest.mark.parametrize("body", ["[]", "{", '{"stranger":1}', '{"site":1}', "7"])
def test_what_is_no_entry_is_not_made_to_look_like_one(body: str) -> None:
    with pytest.raises(UnreadableEntryError):
        list(export.write_csv([[body]]))


def _entry(actor: str = "li") -> str:
    event = IncidentLogged(
        occurred_at=TEN, recorded_at=TEN, by=actor, policy="sha256:00", incident=1,
        state_from="new", state_to="open", contact_due=TEN, urls=("https://a.example/=1",),
        reason=Reason(rule="repeat", incidents=(1,)), run=0,
    )  # fmt: skip
    return encode(event, "a.example", 1, 1, "desk1")
