"""The checker finds what it is there to find: a true record, made false in one place at a time."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from tests.databases import SqliteDatabases
from tests.fire import outbox
from tests.fire.checker import check_database
from tests.fire.ledger import Ledger
from tests.fire.outbox import Outbox
from tests.fire.recorded_story import TOLD, RecordedStory, record_story
from tests.fire.tampering import TAMPERINGS, Record, Tampering

Told = tuple[list[str], Outbox, RecordedStory]


@pytest.fixture(scope="module")
def told(sqlite_databases: SqliteDatabases) -> Iterator[Told]:
    with sqlite_databases.at_head() as url:
        story = RecordedStory(url)
        record_story(story)
        with story.engine.connect() as connection:
            bodies = (
                connection.execute(text("SELECT body FROM entries ORDER BY id")).scalars().all()
            )
        story.engine.dispose()
        yield list(bodies), outbox.read(url), story


@pytest.fixture
def record(told: Told) -> Record:
    bodies, outgoing, story = told
    ledger = Ledger(
        dict(story.ledger.intents),
        {key: list(answers) for key, answers in story.ledger.acknowledgements.items()},
    )
    outgoing = Outbox(list(outgoing.orders), list(outgoing.unsettled))
    return Record([json.loads(body) for body in bodies], outgoing, ledger, story.now)


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def test_a_true_record_has_no_findings(request: pytest.FixtureRequest, kind: str) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    story = RecordedStory(url)
    record_story(story)
    story.engine.dispose()

    kinds = check_database(url, [story.ledger], due_by=story.now)

    assert kinds["site_closed"] == 3
    assert kinds["site_suspended"] == 4
    assert kinds["suspension_struck"] == 1


def test_a_database_whose_tables_differ_from_the_record_is_found(sqlite_url: str) -> None:
    story = RecordedStory(sqlite_url)
    record_story(story)
    with story.engine.begin() as connection:
        connection.execute(text("UPDATE sites SET run = 7 WHERE name = :name"), {"name": TOLD})
    story.engine.dispose()

    with pytest.raises(AssertionError, match="the replay does not give the tables"):
        check_database(sqlite_url, [story.ledger])


def test_what_is_true_stays_true_without_the_answers(record: Record) -> None:
    record.ledger.acknowledgements.clear()

    assert record.findings() == []


@pytest.mark.parametrize(("tamper", "found"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_a_record_that_is_false_in_one_place_is_found(
    record: Record, tamper: Tampering, found: str
) -> None:
    assert record.findings() == []

    tamper(record)

    findings = record.findings()
    assert any(found in finding for finding in findings), findings
