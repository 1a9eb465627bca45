"""Public ids of incidents, contacts, tasks, orders and items of the queue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.machine.orders import LANES
from incidents.values import ids

_sites = st.integers(min_value=1, max_value=10**18 - 1)
_numbers = st.integers(min_value=1, max_value=10**9 - 1)


@given(_sites, _numbers)
def test_an_incidents_name_reads_back(site: int, incident: int) -> None:
    assert ids.read_incident_id(ids.incident_id(site, incident)) == (site, incident)


@given(_sites, _numbers, _numbers)
def test_a_contacts_name_reads_back(site: int, incident: int, contact: int) -> None:
    name = ids.contact_id(site, incident, contact)
    assert ids.read_contact_id(name) == (site, incident, contact)
    assert ids.read_incident_id(name) is None


@given(_sites, _numbers)
def test_a_tasks_name_reads_back_as_an_item_of_the_queue(site: int, task: int) -> None:
    assert ids.read_item_id(ids.task_id(site, task)) == (site, f"t{task}")
    assert ids.task_number(f"t{task}") == task


@pytest.mark.parametrize("item", ["3", *ids.NAMED])
def test_an_item_that_is_no_task_has_no_number_of_one(item: str) -> None:
    assert ids.task_number(item) is None


@pytest.mark.parametrize("lane", sorted({lane for lanes in LANES.values() for lane in lanes}))
@given(_sites, st.integers(1, ids.ORDERS_EACH - 1), st.integers(0, 99_999))
def test_an_orders_name_reads_back_also_by_what_it_is_called_in_the_world(
    lane: str, site: int, order: int, epoch: int
) -> None:
    for n in (order, epoch * ids.ORDERS_EACH + order):
        name = ids.order_id(site, n, lane)
        assert ids.read_order_id(name) == (site, order, lane)
        assert ids.read_item_id(name) is None


def test_an_order_in_the_world_needs_no_lane_in_its_name() -> None:
    assert ids.order_id(12, 45, "act") == "12-o45"
    assert ids.order_id(12, 45, "notice") == "12-o45.notice"
    assert ids.read_order_id("12-o45.act") == ids.read_order_id("12-o45") == (12, 45, "act")


@pytest.mark.parametrize("item", ["3", "t2", ids.DISPUTED, ids.REINSTATEMENT])
def test_every_kind_of_item_has_a_name_that_reads_back(item: str) -> None:
    assert ids.read_item_id(f"12-{item}") == (12, item)


@pytest.mark.parametrize(
    "text",
    [
        "", "12", "12-", "-3", "12-0", "0-3", "012-3", "12-03", "12-3 ", " 12-3", "12--3", "12-3-",
        "12-x", "+1-3", "1_2-3", "12-3\n", "1٢-3", "12-1٣", "１２-3", "9" * 19 + "-1",
        "1-" + "9" * 10,
    ],
)  # fmt: skip
def test_what_is_not_such_a_name_reads_as_none(text: str) -> None:
    assert ids.read_incident_id(text) is None
    assert ids.read_contact_id(text + "-1") is None
    assert ids.read_item_id(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "12-45", "12-o", "12-o0", "0-o1", "012-o1", "12-o01", "12-O45", "12-t45", "12-o45.",
        "12-o45.Act", "12-o45.act.act", "12-o45 act", "12-o45\n", "12-o4٥", "12-o45.ａct", "-o45",
        "9" * 19 + "-o1", "1-o" + "9" * 19, "12-o45." + "a" * 21,
    ],
)  # fmt: skip
def test_what_is_no_order_reads_as_none(text: str) -> None:
    assert ids.read_order_id(text) is None


@pytest.mark.parametrize("text", ["12-3-1", "12-t", "12-t0", "12-disputed-1", "12-Disputed"])
def test_what_is_no_item_reads_as_none(text: str) -> None:
    assert ids.read_item_id(text) is None
