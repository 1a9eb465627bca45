"""Every sentence of the domain is shown: the sessions of docs/reference/sentences.md, run."""

from pathlib import Path

import pytest

from tests.docs.session import Page, Session, read_page, run_session

PAGE_FILE = Path(__file__).parents[2] / "docs" / "reference" / "sentences.md"
PAGE: Page = read_page(PAGE_FILE.read_text(encoding="utf-8"))

# What a row may say where no session can show its sentence.
OTHER_PROOFS = ("definition: ", "`tests/")


@pytest.mark.parametrize("session", PAGE.sessions, ids=[one.name for one in PAGE.sessions])
def test_the_session_goes_as_it_is_written(session: Session, db_url: str, tmp_path: Path) -> None:
    from incidents.cli import main

    environment = {"INCIDENTS_DB": db_url, "INCIDENTS_ZONE": "UTC", "INCIDENTS_CLOCK": "own"}
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
