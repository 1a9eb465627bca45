"""The migration to two people who close (0007), there, back and there again, with a past."""

from typing import Any

from sqlalchemy import Engine, select

from incidents.audit.replay import Replay
from incidents.machine import commands as c
from incidents.store import schema, tables
from incidents.store.engine import reading
from tests.desk.rehearsal import Rehearsal, rehearsal

BEFORE = "0006"


def rows(engine: Engine) -> list[tuple[Any, ...]]:
    """The sites and what the queue lists."""
    with reading(engine) as connection:
        return [
            tuple(row)
            for table in (tables.sites, tables.work)
            for row in connection.execute(select(table).order_by(*table.primary_key))
        ]


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
        before = rows(day.engine)
        schema.downgrade(day.engine, BEFORE)
        schema.upgrade(day.engine)
        schema.check(day.engine)
        assert rows(day.engine) == before
        with reading(day.engine) as connection:
            assert list(Replay(connection).findings()) == []
            waiting = select(tables.sites.c.name).where(tables.sites.c.closing_at.is_not(None))
            assert set(connection.scalars(waiting)) == {
                "r4.example", "r5.example", "told.example",
            }  # fmt: skip
