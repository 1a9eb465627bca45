"""The migration to notes (0008), there, back and there again, with a past."""

from incidents.machine import commands as c
from incidents.store.schema.tables import notes
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0007"


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
        [before] = rows(day, notes)
        assert [(site, n, place, audience) for site, n, place, audience, *_ in before] == [
            (1, 1, 0, "desk"), (1, 2, 0, "desk"), (1, 2, 1, "customer"), (2, 1, 0, "customer"),
        ]  # fmt: skip
        assert "notes" in there_and_back(day, BEFORE)
        assert rows(day, notes) == [before]
        assert day.findings() == []
