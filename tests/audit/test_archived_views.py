"""What people and programs see is the same before old entries go into parts, and afterwards."""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from incidents.audit.log import signing
from incidents.cli import main
from incidents.machine.orders import ACT
from incidents.store import entries as stored
from incidents.store import erasable
from incidents.store.accounts import passwords
from incidents.store.archive import whole
from incidents.store.archive.part import Part
from incidents.store.database.engine import reading
from incidents.store.log import leaves
from incidents.testing import rehearsal as told_clock
from incidents.views import left_down, record_entries, withheld
from incidents.views.record_entries import EntryFilter
from incidents.views.timeline import newest_of_story, part_of_story, timeline
from tests.audit.histories import Histories
from tests.audit.old_days import HELD, LATER, SITES, archived, fill, folder_of
from tests.conftest import WriteSettings
from tests.desk.rehearsal import Rehearsal

pytestmark = pytest.mark.both_databases


@pytest.fixture
def day(
    tmp_path: Path, write_settings: WriteSettings, db_url: str, histories: Histories
) -> Iterator[Rehearsal]:
    write_settings(folder_of(tmp_path / "parts"))
    with histories.after(fill, db_url) as day:
        yield day


def same(day: Rehearsal, *looks: Callable[[], Any]) -> list[Any]:
    """The answers to all these looks, which are the same before and after."""
    before = [look() for look in looks]
    assert archived(day)
    assert [look() for look in looks] == before
    return before


@pytest.fixture
def typed(day: Rehearsal, db_url: str, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The answer to a typed command."""

    def run(command: str) -> str:
        with told_clock(day.now):
            status = main([*command.split(), "--db", db_url, "--as", "li"])
        said = capsys.readouterr()
        assert (status or 0) == 0, said.err
        return said.out

    return run


def test_last_orders_are_looked_for_in_no_part_if_the_database_has_them(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    archived(day)
    found = day.rows(
        f"SELECT id FROM sites WHERE name = '{HELD}' OR state <> 'active' ORDER BY name = '{HELD}'"
    )
    *others, held = (int(str(id_)) for (id_,) in found)
    assert others
    asked = set[int]()
    of_sites = whole.of_sites

    def noting(connection: Connection, site_ids: Collection[int]) -> whole.Wanted:
        has = of_sites(connection, site_ids)

        def noted(part: Part) -> bool:
            asked.update(site_ids)
            return has(part)

        return noted

    monkeypatch.setattr(whole, "of_sites", noting)
    with reading(day.engine) as connection:
        withheld.withheld_sites(connection, [*others, held])

    assert asked
    assert held not in asked


def test_every_typed_query_answers_as_before(day: Rehearsal, typed: Callable[..., str]) -> None:
    ((order, seq),) = day.rows(
        "SELECT site_id, site_seq FROM orders WHERE kind = 'suspend'"
        " ORDER BY created_at, site_id LIMIT 1"
    )
    commands = [
        "site list --json", f"orders show {order}-o{seq} --json", "queue --json",
        "audit export", "audit export --format csv --site site-01.example",
        *(f"site why {site} --json" for site in (*LATER, HELD, SITES[-2], SITES[-1])),
        *(f"site show {site} --json" for site in (LATER[0], SITES[-1])),
        *(f"show {site}-{n} --json" for site in (1, 2, 24) for n in (1, 2, 5)),
        *(f"show {site}-1" for site in (1, 2)),
        f"notices preview reopened --site {SITES[4]} --language en",
    ]  # fmt: skip
    answers = same(day, *(lambda command=command: typed(command) for command in commands))
    assert all(map(len, answers))
    assert '"rule"' in answers[5]
    assert "The suspension has ended" in answers[-1]


def test_a_timeline_is_the_same_in_all_its_parts(day: Rehearsal) -> None:
    def lines(**asked: Any) -> Any:
        with reading(day.engine) as connection:
            return list(timeline(connection, now=day.now, **asked))

    def part(look: Callable[..., Any], **asked: Any) -> Any:
        with reading(day.engine) as connection:
            return look(connection, 2, 3, now=day.now, **asked)

    found = same(
        day,
        lambda: lines(site_id=1), lambda: lines(site_id=1, after=7, most=4),
        lambda: lines(site_id=2, incident=4), lambda: lines(site_id=1, incident=6),
        lambda: part(part_of_story, most=2),
        lambda: part(part_of_story, after=9, most=5),
        lambda: part(newest_of_story, most=2),
        lambda: part(newest_of_story, before=20, most=3),
    )  # fmt: skip
    assert all(found)


@pytest.mark.parametrize(
    "wanted",
    [
        EntryFilter(), EntryFilter(site_id=1), EntryFilter(kind="incident_logged"),
        EntryFilter(person="wang"), EntryFilter(kind="policy_activated"),
        EntryFilter(until=datetime(2026, 3, 4, tzinfo=UTC)),
        EntryFilter(since=datetime(2026, 3, 4, tzinfo=UTC)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("most", [20_000, 50])
def test_the_pages_of_the_record_hold_the_same_entries(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch, wanted: EntryFilter, most: int
) -> None:
    monkeypatch.setattr(record_entries, "MAX_SEARCHED", most)

    def pages() -> list[int]:
        found: list[int] = []
        after = None
        with reading(day.engine) as connection:
            while True:
                page = record_entries.entries_page(connection, wanted, after=after, limit=7)
                found += [each["id"] for each in page.entries]
                after = page.after
                if after is None:
                    return found

    [found] = same(day, pages)
    assert found


def test_what_other_parts_of_the_program_look_up_is_found(day: Rehearsal) -> None:
    def at(look: Callable[..., Any]) -> Callable[[], Any]:
        def now() -> Any:
            with reading(day.engine) as connection:
                return look(connection)

        return now

    with reading(day.engine) as connection:
        asked = "SELECT leaf_hash FROM entries WHERE id = 2"
        first = bytes(connection.exec_driver_sql(asked).scalar_one()).hex()
    found = same(
        day,
        at(lambda c: stored.has(c, 2, first)),
        at(lambda c: stored.has(c, 2, "00" * 32)),
        at(lambda c: stored.has(c, 10_000, first)),
        at(stored.newest),
        at(lambda c: stored.latest_order(c, 1, "suspend")),
        at(lambda c: leaves.bodies(c, 0, 300)),
        at(lambda c: leaves.bodies(c, 500, 300)),
        at(lambda c: leaves.is_covered(c, 0, 1, 600)),
        at(lambda c: leaves.is_covered(c, 1, 1, 600)),
        at(lambda c: signing.was_lost(c, 1)),
        at(lambda c: list(erasable.bodies(c, 1, day.now))),
        at(lambda c: list(erasable.bodies(c, 2, datetime(2026, 3, 4, tzinfo=UTC)))),
        at(lambda c: passwords.last_on_record(c, "li")),
        at(lambda c: left_down.was_kept_down(c, 1, 9, day.now)),
        at(lambda c: list(withheld.order_events(c, 1, ACT))),
        at(lambda c: withheld.was_only_logged(c, 1)),
        at(lambda c: withheld._last_down(c, range(1, 25))),
        at(lambda c: leaves.hashes(c, [(0, 0), (0, 1), (0, 2), (1, 0), (0, 9)])),
    )  # fmt: skip
    assert found[:3] == [True, False, False]
    assert found[4] is not None
    assert len(found[5]) == 300
    assert len(found[17]) == 4
