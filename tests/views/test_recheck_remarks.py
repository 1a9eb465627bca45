"""A recheck that the customer's word has opened: the queue says so, and what they wrote."""

import pytest

from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.schema.desk_tables import sealed
from tests.views.day import Day


def said(day: Day, incident: int = 1, note: str | None = "all is gone") -> Day:
    return day.do(c.SayRemoved(incident=incident, note=note))


def test_the_script_of_the_recheck_begins_with_what_the_customer_says(day: Day) -> None:
    day.add().log(urls=("https://shop.example/a",)).after("5m")
    item = said(day).item("1-t1")
    assert (item["kind"], item["said_gone"], item["remark"]) == ("recheck", True, "all is gone")
    assert item["say"] == (
        "The customer reports the content removed: “all is gone”. Check 1-1 at"
        " https://shop.example/a again. If the content is removed, record the removal. If the"
        " content is still there, complete this task and say what you saw; 1-1 itself stays in"
        " the queue."
    )


def test_each_command_of_its_script_can_be_typed_while_the_clock_runs(day: Day) -> None:
    """`recur` is none of them: it is refused of an incident that is still open."""
    day.add().log()
    assert said(day).item("1-t1")["commands"] == [
        "incidents removed 1-1", "incidents done 1-t1 --outcome still-there",
    ]  # fmt: skip
    day.do(c.CompleteTask(by="li", task=1, outcome="still-there"))
    assert [item["id"] for item in day.queue()["items"]] == ["1-1"]
    assert day.item("1-1")["left_s"] == 3600


def test_without_a_remark_it_says_so_all_the_same(day: Day) -> None:
    day.add().log()
    item = said(day, note=None).item("1-t1")
    assert item["say"].startswith("The customer reports the content removed. Check 1-1 again.")
    assert (item["said_gone"], item["remark"]) == (True, None)


def test_a_number_in_a_remark_is_masked_until_somebody_asks_for_it(day: Day) -> None:
    day.add().log()
    said(day, note="call me: 010 5555 0177")
    assert "“call me: 010 •••• ••77”" in day.item("1-t1")["say"]
    (_, revealed) = day.queue(reveal=True)["items"]
    assert revealed["remark"] == "call me: 010 5555 0177"
    assert "010 5555 0177" in revealed["say"]


def test_a_long_remark_is_one_line_that_is_cut_and_the_item_has_all_of_it(day: Day) -> None:
    long = "gone\n\n" + "very " * 100 + "much"
    day.add().log()
    item = said(day, note=long).item("1-t1")
    quoted = item["say"].partition("“")[2].partition("”")[0]
    assert (len(quoted), quoted[-1], quoted[:9]) == (300, "…", "gone very")
    assert item["remark"] == long


@pytest.mark.both_databases
def test_what_was_erased_is_not_told(day: Day) -> None:
    day.add().log()
    said(day)
    with writing(day.engine) as connection:
        connection.execute(sealed.delete())
    assert day.item("1-t1")["say"].startswith("The customer reports the content removed. Check")


@pytest.mark.both_databases
def test_of_two_incidents_each_has_its_own_word(day: Day) -> None:
    day.add().log().log()
    said(said(day, 1, "the first"), 2, "the second")
    assert "“the first”. Check 1-1 again." in day.item("1-t1")["say"]
    assert "“the second”. Check 1-2 again." in day.item("1-t2")["say"]


def test_a_recheck_for_another_reason_does_not_quote_the_customer(day: Day) -> None:
    day.add().log()
    said(day).do(c.CompleteTask(by="li", task=1, outcome="still-there"))
    day.after("1h1s").elapse().after("12h1s").elapse()
    item = day.item("1-t2")
    assert (item["kind"], item["said_gone"], item["remark"]) == ("recheck", False, None)
    assert item["say"].startswith("Check 1-1 again.")
    assert "incidents recur 1-1" in item["commands"]


def test_the_incidents_own_item_is_as_it_was(day: Day) -> None:
    day.add().log()
    before = day.item("1-1")
    assert said(day).item("1-1") == before


@pytest.mark.both_databases
def test_one_query_finds_all_remarks_of_a_page(day: Day) -> None:
    day.add().log().log()
    few = day.statements(said(day).queue)
    for n in range(5):
        name = f"s{n}.example"
        day.add(name).log(name).do(c.SayRemoved(incident=1, note=name), name)
    items = {}
    many = day.statements(lambda: items.update(day.queue()))
    assert len(many) == len(few)
    assert [i["remark"] for i in items["items"] if i["said_gone"]] == [
        "all is gone", *(f"s{n}.example" for n in range(5)),
    ]  # fmt: skip


@pytest.mark.both_databases
def test_entries_are_looked_up_by_the_index_of_their_times(day: Day) -> None:
    """A site's other entries, of which there may be very many, are not read for it."""
    day.add().log()
    asked = next(s for s in day.statements(said(day).queue) if "entries" in s)
    with day.reading() as connection:
        if connection.dialect.name == "sqlite":
            places = ("$[0]", "[]")
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}", places).all()
        else:
            given = {"given_recorded_at": "{}", "given_most": 1}
            plan = connection.exec_driver_sql(f"EXPLAIN {asked}", given).all()
    told = "\n".join(str(row) for row in plan)
    assert "ix_entries_recorded_at" in told, told
