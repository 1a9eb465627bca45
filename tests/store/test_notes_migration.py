"""The migration to notes (0008), there, back and there again, with a past."""

from typing import Any

from sqlalchemy import Engine, inspect, select

from incidents.audit.replay import Replay
from incidents.machine import commands as c
from incidents.store import schema
from incidents.store.engine import reading
from incidents.store.tables import notes
from tests.desk.rehearsal import Rehearsal, rehearsal

BEFORE = "0007"


def rows(engine: Engine) -> list[tuple[Any, ...]]:
    with reading(engine) as connection:
        found = connection.execute(select(notes).order_by(*notes.primary_key))
        return [tuple(row) for row in found]


def noted(day: Rehearsal) -> None:
    """Notes on three incidents of two sites, one after the other."""
    day.add("a.example", "b.example")
    for site in ("a.example", "a.example", "b.example"):
        day.give(c.Log(by="li", again=True, note='"kind":"note_added"'), site)
    for n, (site, incident) in enumerate(
        [("a.example", 2), ("b.example", 1), ("a.example", 1), ("a.example", 2)]
    ):
        day.later(minutes=1)
        audience = ("desk", "customer")[n % 2]
        day.give(c.AddNote(by="li", incident=incident, audience=audience, text=f"no. {n}"), site)


def test_notes_are_taken_up_again_from_the_entries(db_url: str) -> None:
    with rehearsal(db_url) as day:
        noted(day)
        before = rows(day.engine)
        assert [(site, n, place, audience) for site, n, place, audience, *_ in before] == [
            (1, 1, 0, "desk"), (1, 2, 0, "desk"), (1, 2, 1, "customer"), (2, 1, 0, "customer"),
        ]  # fmt: skip
        schema.downgrade(day.engine, BEFORE)
        assert "notes" not in inspect(day.engine).get_table_names()
        schema.upgrade(day.engine)
        schema.check(day.engine)
        assert rows(day.engine) == before
        with reading(day.engine) as connection:
            assert list(Replay(connection).findings()) == []
