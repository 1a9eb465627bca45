"""The queue's filter: what it lists and counts, and how much of the queue it reads."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from incidents import views
from incidents.contract.queue_filter import QueueFilter
from incidents.machine import commands as c
from incidents.views.queue import queue_filter
from tests.views.day import Day

CLOSED = ["3-1", "3-2", "3-3", "3-t1"]
"""What is left to do on the closed site."""


@pytest.fixture
def busy(day: Day) -> Day:
    """Calls on two sites, the later one's claimed; a closed third, whose customer is to be told."""
    day.add().add("b.example").add("c.example")
    day.log(category="spam").at("10:10").log("b.example", category="malware")
    day.do(c.ClaimItem(by="zhao", item="1"), "b.example")
    return day.log("c.example").log("c.example").log("c.example")


def page(day: Day, **wanted: Any) -> Any:
    how = {name: wanted.pop(name) for name in ("limit", "after") if name in wanted}
    with day.reading() as connection:
        return views.queue(connection, day.now, wanted=QueueFilter(**wanted), **how)


def ids(day: Day, **wanted: Any) -> list[str]:
    return [each["id"] for each in page(day, **wanted)["items"]]


@pytest.mark.both_databases
def test_each_filter_narrows_the_queue(busy: Day) -> None:
    assert ids(busy) == ["1-1", "2-1", *CLOSED]
    for wanted, found in (
        ({"kind": "call"}, ["1-1", "2-1", *CLOSED[:3]]),
        ({"kind": "tell"}, ["3-t1"]),
        ({"category": "malware"}, ["2-1"]),
        ({"state": "closed"}, CLOSED),
        ({"rule": "repeat", "kind": "tell"}, ["3-t1"]),
        ({"holder": "zhao"}, ["2-1"]),
        ({"site": "shop.example"}, ["1-1"]),
        ({"site": "nobody.example"}, []),
        ({"due_before": busy.now + timedelta(minutes=55)}, ["1-1"]),
        ({"kind": "call", "holder": "zhao", "category": "malware", "state": "active"}, ["2-1"]),
        ({"kind": "call", "holder": "zhao", "category": "spam"}, []),
    ):
        assert ids(busy, **wanted) == found, wanted


@pytest.mark.both_databases
def test_the_counts_are_of_each_kind_whatever_kind_is_shown(busy: Day) -> None:
    assert page(busy, kind="tell")["counts"] == {"call": 5, "tell": 1}
    assert page(busy, kind="tell", state="active")["counts"] == {"call": 2}
    assert page(busy, holder="zhao")["counts"] == {"call": 1}


@pytest.mark.both_databases
def test_a_page_tries_its_filter_on_so_many_items_and_then_goes_on(
    busy: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_filter, "MAX_READ", 4)
    first = page(busy, kind="tell")
    assert (first["items"], first["more"]) == ([], True)
    second = page(busy, kind="tell", after=first["next_after"])
    assert [each["id"] for each in second["items"]] == ["3-t1"]
    assert (second["more"], second["next_after"]) == (False, None)
    assert ids(busy, kind="call", limit=3) == ["1-1", "2-1", "3-1"]
