"""The warm-up: what statements cost once is paid before they are used."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event, select

from incidents.machine import commands as c
from incidents.store import statement
from incidents.store.database.engine import reading
from incidents.store.schema.tables import sites
from tests.desk.rehearsal import Rehearsal, rehearsal


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    with rehearsal(db_url) as day:
        yield day


@pytest.mark.both_databases
def test_after_it_no_statement_of_the_desk_is_compiled(
    day: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    day.desk.warm_up(2)
    monkeypatch.setattr(statement, "compile_statement", None)

    day.add()
    assert day.give(c.Log(by="li")).refusal is None
    day.later(hours=2)

    assert [len(answer.events) for answer in day.desk.elapse()] == [2]


@pytest.mark.both_databases
def test_it_changes_nothing(day: Rehearsal) -> None:
    day.add()
    with reading(day.engine) as connection:
        before = connection.execute(select(sites)).all()
    committed: list[object] = []
    event.listen(day.engine, "commit", committed.append)

    day.desk.warm_up()

    assert committed == []
    with reading(day.engine) as connection:
        assert connection.execute(select(sites)).all() == before
