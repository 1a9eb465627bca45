"""The next step: what waits for a second person is offered with the name of who it is not for."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

CONFIRM = "next: incidents site confirm-closure shop.example (by a second person, not li)"
APPROVE = (
    "next: incidents site approve shop.example (by a second person, not li; where there are"
    " accounts by a supervisor)"
)


@pytest.fixture
def waiting(cli: Cli, tmp_path: Path) -> Cli:
    """A desk whose customer refuses, as li has said, and where two people close."""
    two = tmp_path / "two.toml"
    two.write_text("[closure]\ntwo_people = true\n", encoding="utf-8")
    cli("policy", "activate", str(two), "--reason", "nobody alone")
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    cli("contact", "1-1", "reached")
    assert CONFIRM in cli("refused", "1-1").out.splitlines()
    return cli


@pytest.mark.parametrize("look", [("show", "1-1"), ("site", "why", "shop.example")])
def test_while_a_closure_waits_its_answer_is_proposed_and_no_further_statement(
    waiting: Cli, look: tuple[str, ...]
) -> None:
    lines = waiting(*look).out.splitlines()
    assert CONFIRM in lines
    assert "next: incidents site decline-closure shop.example --reason R" in lines
    assert not any(line.startswith("next: incidents refused") for line in lines)


def test_an_act_on_another_incident_of_the_site_proposes_no_further_statement_either(
    waiting: Cli,
) -> None:
    waiting("log", "shop.example", "--as", "chen")
    lines = waiting("contact", "1-2", "reached", "--as", "chen").out.splitlines()
    assert CONFIRM in lines
    assert "next: incidents refused 1-2" not in lines


def test_a_declined_closure_is_proposed_again(waiting: Cli) -> None:
    waiting("site", "decline-closure", "shop.example", "--reason", "wait", "--as", "chen")
    assert "next: incidents refused 1-1" in waiting("show", "1-1").out.splitlines()


def test_who_asks_that_a_site_be_opened_again_is_told_who_approves(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    confirm = ("--confirm", "shop.example")
    cli("site", "false-info", "shop.example", "--field", "phone", "--evidence", "e", *confirm)
    asked = cli("site", "reinstate", "shop.example", "--reason", "filed anew")
    assert APPROVE in asked.out.splitlines()
    why = cli("site", "why", "shop.example")
    assert APPROVE in why.out.splitlines()
    assert "Another person than li has to answer, a supervisor where there are accounts." in why.out
    commands = cli("site", "why", "shop.example", "--json").json["commands"]
    assert commands[0] == "incidents site approve shop.example"


def test_what_a_supervisor_alone_may_do_is_said_beside_it(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    cli("site", "hold", "shop.example", "--reason", "by order")
    lines = cli("site", "why", "shop.example").out.splitlines()
    assert (
        "next: incidents site unhold shop.example --reason R (where there are accounts by a"
        " supervisor)"
    ) in lines
