"""The diagrams are the tables, row by row."""

import re

import pytest

from incidents.machine import diagram, state


@pytest.mark.parametrize("machine", diagram.MACHINES)
def test_every_move_of_the_table_is_drawn_once_and_nothing_else_is(machine: str) -> None:
    drawn = re.findall(r"^    (\S+) --> (\S+): (\w+)", diagram.mermaid(machine), re.MULTILINE)
    table = [
        (source.replace("new", "[*]"), row["dest"], row["trigger"])
        for row in diagram.MACHINES[machine]
        for source in ([row["source"]] if isinstance(row["source"], str) else row["source"])
    ]
    assert drawn == table


@pytest.mark.parametrize(
    "line",
    [
        "    [*] --> active",
        "    active --> closed: log [R1 repeat]",
        "    active --> closed: lapse [R3 unreachable_run]",
        "    active --> suspended: lapse [otherwise, R2 unreachable]",
        "    suspended --> closed: state_false [R4 false_info]",
        "    suspended --> closed: refuse [R5 refusal]",
        "    suspended --> active: end_suspension [not held]",
        "    active --> suspended: hold",
    ],
)
def test_guards_stand_as_labels_and_rules_by_their_numbers(line: str) -> None:
    assert line in diagram.mermaid("site").splitlines()


def test_every_rule_stands_in_the_site_s_diagram() -> None:
    rules = [row["rule"] for row in state.SITE if "rule" in row]
    assert sorted(rule[:2] for rule in rules) == ["R1", "R2", "R3", "R4", "R5"]
    assert all(f"{label}]" in diagram.mermaid("site") for label in rules)


def test_what_is_tried_after_another_guard_has_failed_says_otherwise() -> None:
    lines = diagram.mermaid("incident").splitlines()
    assert "    removed --> notified: take_back [told]" in lines
    assert "    removed --> open: take_back [otherwise]" in lines
    assert "    [*] --> open: log [not site_closed]" in lines


def test_a_state_that_nothing_leads_out_of_is_an_end() -> None:
    assert diagram.mermaid("incident").splitlines()[-1] == "    voided --> [*]"
    assert "--> [*]" not in diagram.mermaid("site")


def test_a_diagram_begins_as_mermaid_asks() -> None:
    for machine in diagram.MACHINES:
        assert diagram.mermaid(machine).startswith("stateDiagram-v2\n")
    assert set(diagram.MACHINES) == {"site", "incident"}
    assert diagram.MACHINES["site"] is state.SITE
