"""The diagrams are the tables, row by row."""

import re

import pytest

from incidents.machine import graph, state


@pytest.mark.parametrize("machine", graph.MACHINES)
def test_every_move_of_the_table_is_drawn_once_and_nothing_else_is(machine: str) -> None:
    drawn = re.findall(r"^    (\S+) --> (\S+): (\w+)", graph.mermaid(machine), re.MULTILINE)
    table = [
        (source.replace("new", "[*]"), row["dest"], row["trigger"])
        for row in graph.MACHINES[machine]
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
    assert line in graph.mermaid("site").splitlines()


def test_every_rule_stands_in_the_site_s_diagram() -> None:
    for rule, number in graph.RULES.items():
        assert f"{number} {rule}]" in graph.mermaid("site")


def test_what_is_tried_after_another_guard_has_failed_says_otherwise() -> None:
    lines = graph.mermaid("incident").splitlines()
    assert "    removed --> notified: take_back [told]" in lines
    assert "    removed --> open: take_back [otherwise]" in lines
    assert "    [*] --> open: log [not site_closed]" in lines


def test_a_state_that_nothing_leads_out_of_is_an_end() -> None:
    assert graph.mermaid("incident").splitlines()[-1] == "    voided --> [*]"
    assert "--> [*]" not in graph.mermaid("site")


def test_a_diagram_begins_as_mermaid_asks() -> None:
    for machine in graph.MACHINES:
        assert graph.mermaid(machine).startswith("stateDiagram-v2\n")
    assert set(graph.MACHINES) == {"site", "incident"}
    assert graph.MACHINES["site"] is state.SITE
