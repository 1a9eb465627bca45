"""The adapter in the documentation: what others copy is found, made, asked, and given orders."""

import importlib
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from incidents.enforcement import routing
from incidents.enforcement.port import Adapter
from incidents.enforcement.round import Round
from incidents.enforcement.routing import Routing
from incidents.errors import IncidentsError
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.enforcement import own_adapter_rig
from tests.enforcement.dispatcher_rig import StubAdapter, dispatcher, in_force, to_its_end
from tests.enforcement.own_adapter_rig import Panel

SITE = "a.example"
Row = tuple[object, ...]


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(own_adapter_rig.install(tmp_path / "site-packages")))
    importlib.invalidate_caches()


@pytest.fixture
def panel() -> Iterator[Panel]:
    with own_adapter_rig.panel() as running:
        yield running


@pytest.fixture
def adapter(panel: Panel) -> Adapter:
    return read(panel).adapter_for(SITE)


@pytest.fixture
def day(sqlite_url: str) -> Iterator[Rehearsal]:
    """A site that is ordered down."""
    with rehearsal(sqlite_url) as found:
        found.add()
        found.give(c.SetHold(by="operator-1", reason="by order"))
        yield found


def read(panel: Panel, **more: object) -> Routing:
    return routing.read(tomllib.loads(panel.settings(**more))["acts"])


def carry_out(day: Rehearsal, adapter: Adapter) -> None:
    to_its_end(Round(replace(dispatcher(day, StubAdapter()), lanes={"act": lambda _: adapter})))


def waiting(day: Rehearsal) -> list[Row]:
    rows = day.rows("SELECT dead, attempts, problem FROM deliveries WHERE lane = 'act'")
    return [(bool(dead), *rest) for dead, *rest in rows]


def test_it_is_found_by_its_entry_point_and_made_from_its_table(
    panel: Panel, adapter: Adapter
) -> None:
    assert adapter.name == "panel"
    assert read(panel).enforces


def test_it_brings_a_site_down_and_up_again_and_both_are_in_force(
    day: Rehearsal, panel: Panel, adapter: Adapter
) -> None:
    carry_out(day, adapter)
    assert (panel.states, in_force(day)) == ({SITE: "suspended"},) * 2
    assert adapter.state(SITE) == "suspended"

    day.give(c.LiftHold(by="operator-1", reason="over"))
    carry_out(day, adapter)

    assert (panel.states, in_force(day)) == ({SITE: "active"},) * 2
    assert panel.orders == ["1-o2", "1-o4"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_panel_that_is_busy_is_asked_again_when_it_says(
    day: Rehearsal, panel: Panel, adapter: Adapter, status: int
) -> None:
    panel.status = status
    carry_out(day, adapter)
    assert waiting(day) == [(False, 1, f"http_{status}")]

    panel.status = None
    day.later(seconds=89)
    carry_out(day, adapter)
    # Retry-After asked for 90 seconds; without it the second attempt comes after two.
    assert panel.orders == ([] if status in (429, 503) else ["1-o2"])
    day.later(seconds=1)
    carry_out(day, adapter)
    assert panel.orders == ["1-o2"]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_the_panel_will_never_do_is_a_dead_letter_at_once(
    day: Rehearsal, panel: Panel, adapter: Adapter, status: int
) -> None:
    panel.status = status
    carry_out(day, adapter)

    assert waiting(day) == [(True, 1, f"http_{status}")]


def test_an_answer_that_is_lost_is_an_attempt_that_may_have_worked(
    day: Rehearsal, panel: Panel, adapter: Adapter
) -> None:
    panel.loses_answers = True
    carry_out(day, adapter)
    assert waiting(day) == [(False, 1, "no_answer")]

    panel.loses_answers = False
    day.later(seconds=2)
    carry_out(day, adapter)

    # The same id: the panel can tell that it has seen it, and here it does no harm.
    assert panel.orders == ["1-o2", "1-o2"]
    assert (waiting(day), in_force(day)) == ([], {SITE: "suspended"})


def test_nobody_knows_how_a_site_stands_of_which_the_panel_knows_nothing(adapter: Adapter) -> None:
    assert adapter.state("b.example") is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": ""}, "url"),
        ({"token": ""}, "token"),
        ({"timeout": "1h"}, "timeout"),
        ({"tokn": "x"}, "tokn"),
    ],
)
def test_what_is_wrong_in_its_table_is_told_by_its_key(
    panel: Panel, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(IncidentsError, match=told) as raised:
        read(panel, **change)
    assert "[acts.panel]" in raised.value.message
    assert own_adapter_rig.TOKEN not in raised.value.message
