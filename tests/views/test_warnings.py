"""The warnings of the queue about the record and its history."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from incidents.cli.queue import words as told
from incidents.locale.language import language
from incidents.locale.words import TimeFormat
from incidents.store.database.engine import writing
from incidents.store.schema.desk_tables import desk
from incidents.views.queue import queue_warning
from tests.views.day import Day

OF_RECORD = {"lost", "moved", "unproved"}


def of(day: Day) -> dict[str, bool]:
    """The warnings of the record's history, and whether each is an alarm."""
    found = queue_warning.warnings_of(day.queue(), day.now)
    return {each.kind: each.is_alarm for each in found if each.kind in OF_RECORD}


def resumed(day: Day, **values: datetime | None) -> None:
    with writing(day.engine) as connection:
        connection.execute(update(desk).values(epoch=332, resumed_at=day.now, **values))


def test_a_loss_and_the_comparison_are_two_facts_and_each_ends_by_itself(day: Day) -> None:
    assert of(day) == {}
    resumed(day, lost_since=day.now, unproved_since=day.now)
    assert of(day) == {"lost": True, "unproved": False}
    resumed(day, unproved_since=None)
    assert of(day) == {"lost": True}
    resumed(day, lost_since=None, unproved_since=day.now)
    assert of(day) == {"unproved": False}


def test_another_server_is_told_as_such(day: Day) -> None:
    resumed(day, moved_at=day.now, unproved_since=day.now)
    assert of(day) == {"moved": True, "unproved": False}


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("lost", "THE RECORD LOST ITS LATEST ENTRIES (detected 0 s ago)"),
        ("moved", "ANOTHER DATABASE SERVER TOOK OVER (detected 0 s ago)"),
        ("unproved", "checking the actual state of all sites against the record; started 0 s ago"),
    ],
)
def test_each_has_words_of_its_own(day: Day, kind: str, says: str) -> None:
    resumed(
        day,
        lost_since=day.now if kind == "lost" else None,
        moved_at=day.now if kind == "moved" else None,
        unproved_since=day.now,
    )
    [facts] = [
        each.facts for each in queue_warning.warnings_of(day.queue(), day.now) if each.kind == kind
    ]
    sentence = told._WARNINGS[kind](facts, TimeFormat(UTC, day.now, language("en", "cli")))
    assert sentence.startswith(says)
    assert kind == "lost" or "LOST" not in sentence
    assert kind != "lost" or sentence.endswith("(opens the sites that this record shows as open)")


def test_a_server_of_before_has_told_nothing_of_it(day: Day) -> None:
    queue = day.queue()
    del queue["enforcement"]["history"]
    assert {each.kind for each in queue_warning.warnings_of(queue, day.now)} & OF_RECORD == set()
