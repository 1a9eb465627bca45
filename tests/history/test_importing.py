"""The import: each row once, in any number of runs by anybody; nothing counts for a rule."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from incidents.desk import Answer, Desk, Envelope, expired_keys
from incidents.desk.envelope import refused_answer
from incidents.errors import DatabaseError
from incidents.history import importing
from incidents.history.importing import Import, Tally, keys, refuse_future
from incidents.history.report import Report
from incidents.history.reports import Finding, History, group_reports
from incidents.machine.commands import AddSite, Log
from incidents.machine.refusal import Refusal
from incidents.store.cases import sites
from incidents.store.database.engine import create, reading
from incidents.store.schema import desk_tables, tables
from incidents.store.schema.catalogue import every_table

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PAST = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def engine(db_url: str) -> Iterator[Engine]:
    engine = create(db_url)
    yield engine
    engine.dispose()


@pytest.fixture
def desk(engine: Engine) -> Desk:
    return Desk(engine, clock=lambda: NOW)


def report(minutes: float = 0, site: str = "a.example", line: int = 0, **fields: Any) -> Report:
    return Report(line=line, site=site, occurred_at=PAST + timedelta(minutes=minutes), **fields)


def findings(*reports: Report, within: float | None = None) -> list[Finding]:
    return group_reports(reports, None if within is None else timedelta(minutes=within))


def bring(
    engine: Engine, desk: Desk, found: list[Finding], *, by: str = "li", dry_run: bool = False
) -> Tally:
    with reading(engine) as connection:
        known = sites.ids_by_name(connection, {finding.report.site for finding in found})
    return Import(desk=desk, known=known, by=by, login="desk1", dry_run=dry_run).take(found)


def summary(tally: Tally) -> tuple[int, int, int, int]:
    assert tally.refused == []
    known = len(tally.sites) - tally.sites_new
    return tally.sites_new, known, tally.incidents_new, tally.incidents_known


def count(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        found: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
        return found


MANY = [
    report(0, note="found at night", contact="reached", contact_at=PAST + timedelta(minutes=5)),
    report(1),
    report(1, note="another one"),
    report(2, "b.example", removed_at=PAST + timedelta(minutes=9), url="http://b.example/"),
    report(2, "c.example", category="gambling"),
]


def test_sites_and_incidents_come_in_once_however_often_they_are_imported(
    engine: Engine, desk: Desk
) -> None:
    found = findings(*MANY)
    first = bring(engine, desk, found)
    assert summary(first) == (3, 0, 5, 0)
    assert len(set(first.ids)) == 5
    entries = count(engine, desk_tables.entries)
    assert summary(bring(engine, desk, found)) == (0, 3, 0, 5)
    assert summary(bring(engine, desk, found, by="wang")) == (0, 3, 0, 5)
    assert count(engine, tables.incidents) == 5
    assert count(engine, desk_tables.entries) == entries


def test_what_is_imported_starts_no_clock_and_counts_in_no_rule(engine: Engine, desk: Desk) -> None:
    found = findings(*(report(n, url=f"http://a.example/{n}") for n in range(5)))
    assert summary(bring(engine, desk, found)) == (1, 0, 5, 0)
    assert desk.elapse() == []
    [logged] = desk.submit([Envelope(site="a.example", command=Log(by="li"))])
    assert logged.site_document["state"] == "active"
    with engine.connect() as connection:
        assert connection.scalars(select(tables.sites.c.rule)).all() == [None]


def test_the_states_are_those_that_the_history_tells_of(engine: Engine, desk: Desk) -> None:
    bring(engine, desk, findings(*MANY))
    columns = tables.incidents.c
    with engine.connect() as connection:
        rows = connection.execute(
            select(tables.sites.c.name, columns.state, columns.contact_due)
            .join_from(tables.incidents, tables.sites)
            .order_by(tables.sites.c.name, columns.n)
        )
        assert [tuple(row) for row in rows] == [
            ("a.example", "notified", None),
            ("a.example", "open", None),
            ("a.example", "open", None),
            ("b.example", "removed", None),
            ("c.example", "open", None),
        ]


def test_a_dry_run_tells_the_same_and_leaves_no_trace(engine: Engine, desk: Desk) -> None:
    bring(engine, desk, findings(*MANY[:2]))
    before = [count(engine, table) for table in every_table().sorted_tables]
    again = [*MANY, MANY[0], MANY[4]]
    dry = bring(engine, desk, findings(*again), dry_run=True)
    assert summary(dry) == (2, 1, 3, 4)
    assert [count(engine, table) for table in every_table().sorted_tables] == before
    real = bring(engine, desk, findings(*again))
    assert summary(real) == summary(dry)


def test_an_import_that_was_cut_short_is_finished_by_the_next(
    engine: Engine, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_COMMANDS", 2)
    found = findings(*MANY)
    submit, left = Desk.submit, [3]

    def cut_short(desk: Desk, *args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0:
            raise DatabaseError("gone")
        return submit(desk, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Desk, "submit", cut_short)
        with pytest.raises(DatabaseError):
            bring(engine, desk, found)
    done = count(engine, tables.incidents)
    assert 0 < done < 5
    assert summary(bring(engine, desk, found)) == (0, 3, 5 - done, done)
    assert count(engine, tables.incidents) == 5


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_site_that_somebody_adds_meanwhile_is_no_error_and_not_new(
    desk: Desk, dry_run: bool
) -> None:
    desk.submit([Envelope(site="a.example", command=AddSite(by="wang"))])
    importing = Import(desk=desk, known=(), by="li", login="desk1", dry_run=dry_run)
    assert summary(importing.take(findings(report()))) == (0, 1, 1, 0)


@pytest.mark.parametrize("dry_run", [True, False])
def test_no_site_that_the_desk_refuses_counts_as_added_and_each_of_its_rows_is_refused(
    engine: Engine, desk: Desk, dry_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where this machine's clock is far from the database's: the desk refuses all there is."""
    bring(engine, desk, findings(report(0, "a.example")))
    behind = Refusal("clock_behind", {"now": NOW, "behind_s": 360})

    def refuses(_: Desk, envelopes: list[Envelope], **__: object) -> list[Answer]:
        return [refused_answer(str(envelope.site), behind) for envelope in envelopes]

    monkeypatch.setattr(Desk, "submit", refuses)
    rows = [report(n, f"{site}.example", n) for n, site in enumerate("bacb", start=1)]

    tally = bring(engine, desk, findings(*rows), dry_run=dry_run)

    assert tally.refused == [(line, behind) for line in (1, 2, 3, 4)]
    assert list(tally.sites) == ["a.example"]
    assert (tally.sites_new, tally.incidents_new, tally.incidents_known) == (0, 0, 0)


def test_the_addresses_of_a_group_are_on_its_incident_and_more_of_them_change_nothing(
    engine: Engine, desk: Desk
) -> None:
    reports = [report(n, url=f"http://a.example/{n}") for n in range(3)]
    bring(engine, desk, findings(*reports, within=60))
    assert summary(bring(engine, desk, findings(*reports, within=60))) == (0, 1, 0, 1)
    more = findings(*reports, report(3, url="http://a.example/3"), within=60)
    assert summary(bring(engine, desk, more)) == (0, 1, 0, 1)
    assert summary(bring(engine, desk, findings(*reports))) == (0, 1, 2, 1)


def test_the_addresses_of_a_group_are_kept_as_the_file_has_them(engine: Engine, desk: Desk) -> None:
    written = "http://a.example/a b"
    spaced = report(1, url="http://a.example/a%20b", written=written)
    bring(engine, desk, findings(report(0, url="http://a.example/"), spaced, within=10))
    with engine.connect() as connection:
        found = connection.execute(
            select(tables.incident_urls.c.url, tables.incident_urls.c.written)
        ).all()
    assert found == [("http://a.example/", None), ("http://a.example/a%20b", written)]


def test_no_word_of_a_note_is_kept_outside_what_can_be_erased(engine: Engine, desk: Desk) -> None:
    bring(engine, desk, findings(report(note="call 555-0100 at night")))
    with engine.connect() as connection:
        for table in every_table().sorted_tables:
            if table is not desk_tables.sealed:
                rows = connection.execute(select(table)).all()
                assert "555-0100" not in repr(rows), table.name
        [value] = connection.scalars(select(desk_tables.sealed.c.value))
    assert value == "call 555-0100 at night"


# Keys


def test_the_same_row_has_the_same_key_in_any_file() -> None:
    whole = keys(findings(*MANY))
    assert len(set(whole)) == 5
    assert keys(findings(*MANY[2:])) != whole[2:]  # only notes tell the second from the third
    assert keys(findings(*MANY[3:])) == whole[3:]
    assert keys(findings(*MANY, *MANY)) == whole * 2


def test_a_key_holds_no_digest_of_a_note() -> None:
    assert keys(findings(report(note="one"))) == keys(findings(report(note="other")))


@pytest.mark.parametrize(
    "change",
    [
        {"site": "b.example"}, {"minutes": 1}, {"url": "http://a.example/"}, {"category": "x"},
        {"contact": "reached"}, {"contact_at": PAST}, {"removed_at": PAST},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_row_that_says_anything_else_has_another_key(change: dict[str, Any]) -> None:
    assert keys(findings(report(**change))) != keys(findings(report()))


# The future


@pytest.mark.parametrize("column", ["occurred_at", "contact_at", "removed_at"])
def test_a_time_in_the_future_makes_a_bad_line(column: str) -> None:
    times: dict[str, Any] = {"occurred_at": PAST, "contact_at": PAST, "removed_at": PAST}
    late = Report(line=7, site="a.example", **(times | {column: NOW + timedelta(seconds=1)}))
    in_time = Report(line=8, site="a.example", **(times | {column: NOW}))
    history = History(file="f", reports=[in_time, late])
    refuse_future(history, NOW)
    assert history.reports == [in_time]
    [bad] = history.bad
    assert (bad.line, bad.detail) == (
        7,
        f"{column} is 2026-06-01T00:00:01Z, which is in the future",
    )


def test_a_file_imported_again_after_its_keys_expired_brings_nothing(
    engine: Engine, desk: Desk
) -> None:
    found = findings(*MANY)
    assert summary(bring(engine, desk, found)) == (3, 0, 5, 0)
    assert expired_keys.delete_expired(desk, engine, NOW + timedelta(days=1)) == 5
    assert summary(bring(engine, desk, found)) == (0, 3, 0, 5)
    assert summary(bring(engine, desk, found, by="wang")) == (0, 3, 0, 5)
