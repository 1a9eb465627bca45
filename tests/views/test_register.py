"""The register: sites and incidents as people look them up, and views at random days."""

from datetime import UTC
from random import Random

import pytest

from incidents import views
from incidents.desk import Envelope
from incidents.errors import UnknownIncidentError, UnknownSiteError
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from incidents.machine.policy import DOCUMENTED, Policy
from tests.desk.rehearsal import random_command, rehearsal
from tests.views.day import SITE, Day

pytestmark = pytest.mark.both_databases


def names(day: Day, **options: object) -> list[str]:
    with day.reading() as connection:
        return [site["site"] for site in views.sites(connection, **options)]  # type: ignore[arg-type]


def test_a_site_shows_whom_to_call_what_waits_and_its_newest_incidents(day: Day) -> None:
    day.add(phone="010 5555 0100", person="Wang Wei").log(note="one").log(note="two")
    day.do(c.SetHold(by="boss", reason="letter 7"))
    site = day.site()
    assert (site["phone"], site["person"], site["email"]) == ("010 5555 0100", "Wang Wei", None)
    assert site["hold"] == {"by": "boss", "at": "2026-03-01T10:00:00Z", "reason": "letter 7"}
    assert [incident["note"] for incident in site["incidents"]] == ["two", "one"]
    assert site["incidents_total"] == 2
    assert not site["overdue"]
    assert day.after("1h1s").site()["overdue"]


def test_a_closed_site_shows_its_closure_and_what_waits(day: Day) -> None:
    day.add().log().log().log().do(c.AskReinstatement(by="li", reason="clean"))
    site = day.site()
    closure, asked = site["closure"], site["reinstatement"]
    assert closure is not None
    assert (closure["rule"], closure["incidents"]) == ("repeat", ["1-1", "1-2", "1-3"])
    assert asked is not None
    assert asked["reason"] == "clean"
    assert [task["id"] for task in site["tasks"]] == ["1-t1"]


def test_sites_come_by_name_from_where_one_asks_and_in_the_state_one_asks(day: Day) -> None:
    for name in ("c.example", "a.example", "b.example"):
        day.add(name)
    day.log("b.example").after("1h1s").elapse()
    assert names(day) == ["a.example", "b.example", "c.example"]
    assert names(day, after="a.example", limit=1) == ["b.example"]
    assert names(day, state="suspended") == ["b.example"]
    assert names(day, state="closed") == []


def test_a_listed_site_is_told_as_it_is_by_itself(day: Day) -> None:
    day.add(phone="010 5555 0100").log().after("1h1s").elapse()
    with day.reading() as connection:
        (listed,) = views.sites(connection)
    alone = day.site()
    assert listed.items() <= alone.items()
    assert listed["suspended_until"] == listed["next_due"] == "2026-03-01T23:00:01Z"


def test_an_incident_shows_its_contacts_and_its_site(day: Day) -> None:
    day.add().log(note="seen").contact(1, "no-answer")
    incident = day.incident(1)
    assert incident["note"] == "seen"
    assert incident["contacts"][0]["id"] == "1-1-1"
    assert incident["site_document"]["state"] == "active"
    assert incident["site_document"]["next_due"] == "2026-03-01T11:00:00Z"


def test_an_unknown_incident_or_site_is_refused_by_its_name(day: Day) -> None:
    day.add()
    with pytest.raises(UnknownIncidentError, match="12-3"):
        day.incident(3, site_id=12)
    with pytest.raises(UnknownSiteError, match=r"other\.example"):
        day.site("other.example")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))]
)
def test_after_any_day_everything_can_be_looked_at(db_url: str, seed: int) -> None:
    draw = Random(seed)
    with rehearsal(db_url) as desk, desk.engine.connect() as connection:
        desk.add("a.example")
        for _ in range(40):
            desk.later(minutes=draw.choice((0, 1, 20, 70, 400, 800)))
            incidents = int(str(desk.rows("SELECT last_incident FROM sites")[0][0]))
            desk.give(random_command(draw, desk.now, incidents))
            with connection.begin():
                why = views.why(connection, "a.example", TimeFormat(zone=UTC, now=desk.now))
                items = views.queue(connection, desk.now)["items"]
                site = views.site(connection, "a.example", desk.now)
            assert why["text"]
            assert why["site"]["state"] == site["state"]
            assert all(item["say"] and item["hints"] for item in items)
            assert all(item["left_s"] is not None for item in items if item["overdue"])


def test_the_run_is_shown_as_the_active_policy_counts_it(day: Day) -> None:
    day.add(phone="010 5555 0100").miss().after("25h").elapse()
    day.log().contact(2).miss().after("25h").elapse()
    every_miss = Policy(run="total").toml()
    for active, run, misses, warned in (
        (every_miss, 2, "Misses in all: 2", True),
        (DOCUMENTED.toml(), 1, "Misses in a row: 1", False),
    ):
        day.desk.activate(active, by="boss", login=None, reason="counted otherwise")
        with day.reading() as connection:
            (listed,) = views.sites(connection)
        note = c.AddNote(by="li", incident=1, audience="desk", text="seen")
        (answer,) = day.desk.submit([Envelope(site=SITE, command=note)])
        shown = [
            day.site(), listed, day.incident(1)["site_document"], day.why()["site"],
            answer.document["site"],
        ]  # fmt: skip
        assert [each["run"] for each in shown] == [run] * len(shown)
        assert (misses in day.text(), "next miss closes" in day.text()) == (True, warned)
        assert {bool(item["warning"]) for item in day.queue()["items"]} == {warned}
