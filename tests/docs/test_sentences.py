"""Every sentence of the domain is shown: the sessions of docs/reference/sentences.md, run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from tests.databases import SqliteDatabases
from tests.docs.session import Page, Session, read_page, run_session
from tests.kept_engine import kept_engines, same_file

PAGE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "sentences.md"
PAGE: Page = read_page(PAGE_FILE.read_text(encoding="utf-8"))

# What a row may say where no session can show its sentence.
OTHER_PROOFS = ("definition: ", "`tests/")


# One in three is run for each change: the rules have tests of their own.
SESSIONS = [
    pytest.param(session, id=session.name, marks=[pytest.mark.long] if n % 3 else [])
    for n, session in enumerate(PAGE.sessions)
]


@pytest.fixture(scope="module")
def _frozen() -> Iterator[None]:
    """Time stands still from the first session to the last: to stop it is as dear as a command."""
    with freeze_time("2026-03-01T00:00:00Z"):
        yield


@pytest.fixture
def url(_frozen: None, sqlite_databases: SqliteDatabases) -> Iterator[str]:
    with kept_engines(), same_file(sqlite_databases) as url:
        yield url


@pytest.mark.parametrize("session", SESSIONS)
def test_the_session_goes_as_it_is_written(session: Session, url: str, tmp_path: Path) -> None:
    from incidents.cli import main

    environment = {"INCIDENTS_DB": url, "INCIDENTS_ZONE": "UTC", "INCIDENTS_CLOCK": "own"}
    run_session(session, main, tmp_path, environment)


def test_every_link_of_a_row_leads_to_a_session() -> None:
    linked = {name for row in PAGE.rows for name, _ in row.links}
    assert linked - {session.name for session in PAGE.sessions} == set()


def test_every_session_has_a_row() -> None:
    linked = {name for row in PAGE.rows for name, _ in row.links}
    assert {session.name for session in PAGE.sessions} - linked == set()


def test_every_link_points_to_the_anchor_of_its_heading() -> None:
    links = [link for row in PAGE.rows for link in row.links]
    assert [(name, anchor) for name, anchor in links if anchor != name.lower()] == []


def test_every_row_is_shown_by_something() -> None:
    unproved = [
        row.sentence
        for row in PAGE.rows
        if not row.links and not row.shown_by.startswith(OTHER_PROOFS)
    ]
    assert unproved == []


def test_no_heading_stands_twice() -> None:
    names = [session.name for session in PAGE.sessions]
    assert len(names) == len(set(names))
