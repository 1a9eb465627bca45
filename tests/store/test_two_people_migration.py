"""The migration to two people who close (0007), there, back and there again, with a past."""

from sqlalchemy import select

from incidents.machine import commands as c
from incidents.store.database.engine import reading
from incidents.store.schema import tables
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0006"


def told(day: Rehearsal, site: str) -> None:
    day.add(site)
    day.give(c.Log(by="li"), site)
    day.give(c.RecordContact(by="li", incident=1, outcome="reached"), site)


def with_a_past(day: Rehearsal) -> None:
    """Requests that wait, that fell in each way, and that were answered."""
    day.desk.activate("[closure]\ntwo_people = true\n", by="li", login=None, reason="two")
    for site in ("r4", "declined", "confirmed"):
        day.add(f"{site}.example")
        false = c.StateFalse(by="li", field="phone", evidence="closure_asked")
        day.give(false, f"{site}.example")
    for site in ("r5", "removed", "voided", "again", "untold", "told"):
        told(day, f"{site}.example")
        day.give(c.StateRefused(by="li", incident=1, note="he hung up"), f"{site}.example")
    day.give(c.DeclineClosure(by="wang", reason="no"), "declined.example")
    day.give(c.ConfirmClosure(by="wang"), "confirmed.example")
    day.give(c.StateRemoved(by="li", incident=1), "removed.example")
    day.give(c.VoidIncident(by="li", incident=1, reason="none"), "voided.example")
    day.give(c.StateRemoved(by="li", incident=1), "again.example")
    day.give(c.TakeBack(by="li", incident=1, reason="slip"), "again.example")
    said_at = day.now
    day.later(hours=1)
    for site, at in (("untold", None), ("told", said_at)):
        call = c.RecordContact(by="li", incident=1, outcome="reached", at=at)
        day.give(call, f"{site}.example")
        day.give(c.VoidContact(by="li", incident=1, contact=1, reason="x"), f"{site}.example")
    day.give(c.Log(by="li"), "r5.example")
    day.give(c.StateRemoved(by="li", incident=2), "r5.example")


def test_what_waits_for_a_second_person_is_taken_up_again_from_the_entries(db_url: str) -> None:
    with rehearsal(db_url) as day:
        with_a_past(day)
        before = rows(day, tables.sites, tables.work)
        there_and_back(day, BEFORE)
        assert rows(day, tables.sites, tables.work) == before
        assert day.findings() == []
        with reading(day.engine) as connection:
            waiting = select(tables.sites.c.name).where(tables.sites.c.closing_at.is_not(None))
            assert set(connection.scalars(waiting)) == {
                "r4.example", "r5.example", "told.example",
            }  # fmt: skip
