"""The migration to links that can be revoked (0014), there, back and there again."""

from incidents.machine import commands as c
from incidents.store.schema.tables import incidents
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0013"


def _revoked(day: Rehearsal) -> None:
    day.add("a.example", "b.example")
    for site in ("a.example", "a.example", "b.example"):
        day.give(c.Log(by="li", again=True, note='"kind":"links_revoked"'), site)
    for site, incident in (("a.example", 2), ("b.example", 1), ("a.example", 2)):
        day.give(c.RevokeLinks(by="li", incident=incident), site)


def test_revocations_are_taken_up_again_from_the_entries(db_url: str) -> None:
    with rehearsal(db_url) as day:
        _revoked(day)
        [before] = rows(day, incidents)
        assert [(site, n, times) for site, n, *_, times in before] == [
            (1, 1, None), (1, 2, 2), (2, 1, 1),
        ]  # fmt: skip
        there_and_back(day, BEFORE)
        assert rows(day, incidents) == [before]
        assert day.findings() == []
