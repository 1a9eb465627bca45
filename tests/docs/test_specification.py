"""The specification: each clause has its proof, in both languages, and its sessions are run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from freezegun import freeze_time

from tests.databases import PostgresqlDatabases, SqliteDatabases
from tests.docs.pages import ROOT
from tests.docs.session import Session, read_sessions, run_session
from tests.kept_engine import kept_engines, same_file

REFERENCE = ROOT / "docs" / "reference"
SESSION_FILES = sorted((ROOT / "docs" / "reference" / "sessions").glob("[A-Z]*.md"))

_CLAUSE = re.compile(
    r"^- \*\*(?P<number>[A-Z]\d?\.\d+)\*\*(?P<ours> †)? (?P<text>.+)$", re.MULTILINE
)
_PROOF = re.compile(
    r"\[session\]\(sessions/(?P<chapter>[A-Z]\d?)\.md#(?P<session>\w+)\)"
    r"|\[test\]\(../../tests/[\w/]+\.py#(?P<test>test_\w+)\)"
)
_LISTED = re.compile(r"[A-Z]\d?\.\d+")
_CITED = re.compile(r"\b(?:R[1-5]|[ABCDFHLNOPQSTVX])\.\d+\b")


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its number, whether it is a reading of our own, its words."""

    number: str
    ours: bool
    text: str

    @property
    def chapter(self) -> str:
        """`R2` of `R2.4`."""
        return self.number.partition(".")[0]

    @property
    def place(self) -> int:
        """4 of `R2.4`."""
        return int(self.number.partition(".")[2])


def _read(name: str) -> tuple[list[Clause], list[str]]:
    """The clauses of a page, and the numbers listed at its end as readings of our own."""
    body, _, tail = (REFERENCE / name).read_text(encoding="utf-8").rpartition("\n## ")
    clauses = [
        Clause(found["number"], bool(found["ours"]), found["text"])
        for found in _CLAUSE.finditer(body)
    ]
    return clauses, [number for line in _items(tail) for number in _LISTED.findall(line)]


def _items(text: str) -> Iterator[str]:
    return (re.split("[:：]", line)[-1] for line in text.splitlines() if line.startswith("- "))


ENGLISH, ENGLISH_LIST = _read("specification.md")
CHINESE, CHINESE_LIST = _read("specification.zh-CN.md")
SESSIONS = [
    session
    for file in SESSION_FILES
    if file.name != "README.md"
    for session in read_sessions(file.read_text(encoding="utf-8"))
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


# One in three is run for each change: the rules have tests of their own.
@pytest.mark.parametrize(
    "session",
    [
        pytest.param(session, id=session.name, marks=[pytest.mark.long] if n % 3 else [])
        for n, session in enumerate(SESSIONS)
    ],
)
def test_the_session_goes_as_it_is_written(session: Session, url: str, tmp_path: Path) -> None:
    _run(session, url, tmp_path)


@pytest.mark.long
@pytest.mark.usefixtures("_frozen")
@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
def test_the_session_goes_so_on_postgresql_too(
    session: Session, postgresql_databases: PostgresqlDatabases, tmp_path: Path
) -> None:
    with kept_engines(), postgresql_databases.at_head() as url:
        _run(session, url, tmp_path)


def _run(session: Session, url: str, folder: Path) -> None:
    from incidents.cli import main

    environment = {"INCIDENTS_DB": url, "INCIDENTS_ZONE": "UTC", "INCIDENTS_CLOCK": "own"}
    run_session(session, main, folder, environment)


def test_every_clause_names_a_session_or_a_test() -> None:
    assert [clause.number for clause in ENGLISH if not _PROOF.search(clause.text)] == []


def test_every_session_is_named_by_the_clause_whose_number_it_has() -> None:
    linked = {
        (clause.number, found["session"])
        for clause in ENGLISH
        for found in _PROOF.finditer(clause.text)
        if found["session"] and found["chapter"] == clause.chapter
    }
    own = [(session.name.rstrip("abcdefghij"), _anchor(session.name)) for session in SESSIONS]
    assert [number for number in own if number not in linked] == []


def test_no_session_and_no_clause_stands_twice() -> None:
    for names in ([session.name for session in SESSIONS], [clause.number for clause in ENGLISH]):
        assert len(names) == len(set(names))


def test_the_clauses_of_a_chapter_are_in_order() -> None:
    for before, after in pairwise(ENGLISH):
        if before.chapter == after.chapter:
            assert before.place < after.place, after


def test_both_languages_have_the_same_clauses() -> None:
    assert [(one.number, one.ours) for one in ENGLISH] == [
        (one.number, one.ours) for one in CHINESE
    ]


def test_the_readings_of_our_own_are_listed_at_the_end() -> None:
    ours = [clause.number for clause in ENGLISH if clause.ours]
    assert ours == ENGLISH_LIST == CHINESE_LIST


def test_every_clause_that_the_text_names_is_there() -> None:
    known = {clause.number for clause in ENGLISH}
    cited = {number for clause in (*ENGLISH, *CHINESE) for number in _CITED.findall(clause.text)}
    assert cited - known == set()


def test_every_clause_that_is_cited_elsewhere_is_there() -> None:
    known = {clause.number for clause in ENGLISH}
    cited = {
        number: file.relative_to(ROOT)
        for folder in ("incidents", "docs", "tests", "scripts", "bench")
        for ending in ("py", "toml", "md", "po")
        for file in (ROOT / folder).rglob(f"*.{ending}")
        for number in _CITED.findall(file.read_text(encoding="utf-8"))
    }
    assert {number: file for number, file in cited.items() if number not in known} == {}


def _anchor(name: str) -> str:
    return name.lower().replace(".", "")
