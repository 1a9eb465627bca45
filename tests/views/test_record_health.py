"""The health of the record: a loss is shown, whoever has resumed since."""

import pytest

from incidents.desk import resumption
from incidents.desk.resumption import ANOTHER_SERVER, ASKED, ENTRIES_LOST, Resumption
from incidents.store.database.engine import reading, writing
from incidents.views.record_health import resumed
from tests.views.day import Day


def go_on(day: Day, asked: Resumption) -> int:
    """The number of the newest entry before."""
    day.after("1h")
    with writing(day.engine) as connection:
        return resumption.resume(connection, asked, lambda: day.now).entries


def test_a_record_that_never_had_to_go_on_tells_of_nothing(day: Day) -> None:
    with reading(day.engine) as connection:
        assert resumed(connection) == {"resumed": None, "lost": None, "lost_before": []}


@pytest.mark.both_databases
def test_the_last_loss_is_told_though_others_have_gone_on_since(day: Day) -> None:
    go_on(day, Resumption(cause=ENTRIES_LOST, had=9))
    entries = go_on(day, Resumption(cause=ENTRIES_LOST, had=19, signed=12))
    go_on(day, Resumption(cause=ANOTHER_SERVER))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="the disk is gone"))

    with reading(day.engine) as connection:
        found = resumed(connection)

    last, lost = found["resumed"], found["lost"]
    assert last is not None
    assert lost is not None
    assert (last["cause"], last["missing"]) == ("asked", None)
    assert (lost["had"], lost["signed"], lost["entries"]) == (19, 12, entries)
    # The numbers of entries have gaps on PostgreSQL, where only what was signed was counted.
    is_sqlite = day.engine.dialect.name == "sqlite"
    assert lost["missing"] == (19 if is_sqlite else 12) - entries


def test_what_a_daemon_noticed_and_what_a_person_found_signed_is_told_as_one_loss(
    day: Day,
) -> None:
    go_on(day, Resumption(cause=ENTRIES_LOST, had=99))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="the first time"))
    entries = go_on(day, Resumption(cause=ENTRIES_LOST, had=19))
    go_on(day, Resumption(cause=ANOTHER_SERVER))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="the disk is gone", signed=22))

    with reading(day.engine) as connection:
        lost = resumed(connection)["lost"]

    assert lost is not None
    assert (lost["entries"], lost["had"], lost["signed"]) == (entries, 19, 22)
    assert lost["missing"] == 22 - entries


def test_each_loss_before_the_last_one_is_told_once(day: Day) -> None:
    first = go_on(day, Resumption(cause=ENTRIES_LOST, had=99))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="the disk is gone", signed=88))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="once more"))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="another disk", signed=22))
    go_on(day, Resumption(cause=ENTRIES_LOST, had=19))

    with reading(day.engine) as connection:
        found = resumed(connection)

    assert found["lost"] is not None
    assert (found["lost"]["had"], found["lost"]["signed"]) == (19, None)
    told = [(each["entries"], each["had"], each["signed"]) for each in found["lost_before"]]
    assert told == [(first, 99, 88), (first + 3, None, 22)]


def test_a_loss_that_a_person_knew_of_is_no_part_of_a_later_one(day: Day) -> None:
    go_on(day, Resumption(cause=ENTRIES_LOST, had=99))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="it is known"))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="the disk is gone", signed=22))

    with reading(day.engine) as connection:
        lost = resumed(connection)["lost"]

    assert lost is not None
    assert (lost["had"], lost["signed"]) == (None, 22)


def test_what_was_signed_may_be_all_there_in_another_order(day: Day) -> None:
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="the disk is gone"))
    go_on(day, Resumption(cause=ASKED, by="sre-1", reason="the disk is gone", signed=1))

    with reading(day.engine) as connection:
        lost = resumed(connection)["lost"]

    assert lost is not None
    assert lost["missing"] == 0


@pytest.mark.both_databases
@pytest.mark.parametrize("had", [0, 1])
def test_of_an_entry_that_is_another_one_than_was_there_one_at_least_is_missing(
    day: Day, had: int
) -> None:
    go_on(day, Resumption(cause=ASKED, reason="it is known"))
    go_on(day, Resumption(cause=ENTRIES_LOST, had=had))

    with reading(day.engine) as connection:
        lost = resumed(connection)["lost"]

    assert lost is not None
    assert lost["missing"] == 1
