"""Public names: incident `12-3`, contact `12-3-1`, task `12-t2`, and the items of the queue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.machine import ids

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


@pytest.mark.parametrize("text", ["12-3-1", "12-t", "12-t0", "12-disputed-1", "12-Disputed"])
def test_what_is_no_item_reads_as_none(text: str) -> None:
    assert ids.read_item_id(text) is None
