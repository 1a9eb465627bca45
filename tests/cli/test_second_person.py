"""The second person: who waits for one is offered it, with the name of who it is not for."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli

CONFIRM = "next: incidents approve shop.example  # a second person, not li"
APPROVE = (
    "next: incidents approve shop.example  # a second person, not li; with accounts, a supervisor"
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
    assert "next: incidents decline shop.example --reason R" in lines
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
    assert "Another person must decide (a supervisor, if the desk has accounts)." in why.out
    commands = cli("site", "why", "shop.example", "--json").json["commands"]
    assert commands[0] == "incidents approve shop.example"


def test_what_a_supervisor_alone_may_do_is_said_beside_it(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    cli("site", "hold", "shop.example", "--reason", "by order")
    lines = cli("site", "why", "shop.example").out.splitlines()
    assert (
        "next: incidents site hold --lift shop.example --reason R  # with accounts, a supervisor"
    ) in lines


# What late truth leaves in doubt.


def closed(cli: Cli) -> None:
    """A site is closed by three violations."""
    cli("site", "add", "shop.example")
    for _ in range(3):
        cli("log", "shop.example")


@pytest.fixture
def doubted(cli: Cli) -> Cli:
    """A desk at which a site was closed by three violations, of which one was none."""
    closed(cli)
    assert cli("void", "1-3", "--reason", "double").status == 0
    return cli


_BY = "shop.example --reason R  # with accounts, a supervisor"
DECIDE = (
    f"next: incidents site uphold {_BY}",
    f"next: incidents site reinstate {_BY}",
    "next: incidents site why shop.example",
)


def test_who_leaves_a_closure_in_doubt_is_told_who_decides_and_that_nobody_tells_the_customer(
    cli: Cli,
) -> None:
    closed(cli)
    voided = cli("void", "1-3", "--reason", "double")
    assert tuple(line for line in voided.out.splitlines() if line.startswith("next")) == DECIDE
    out = "removed from the queue while the closure is disputed: 1-t1 (call about closure)"
    assert out in voided.err
    upheld = cli("site", "uphold", "shop.example", "--reason", "two others")
    assert "returned to the queue: 1-t1 (call about closure)" in upheld.err


def test_of_a_held_site_nobody_is_sent_to_reinstate_it(cli: Cli) -> None:
    closed(cli)
    cli("site", "hold", "shop.example", "--reason", "letter 17")
    voided = cli("void", "1-3", "--reason", "double").out.splitlines()
    assert [line for line in voided if line.startswith("next")] == [DECIDE[0], DECIDE[2]]


def test_a_call_that_was_in_time_leaves_it_in_doubt_too(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    cli("contact", "1-1", "reached")
    cli("refused", "1-1", "--confirm", "shop.example")
    assert DECIDE[0] in cli("void-contact", "1-1-1", "--reason", "another").out.splitlines()


# What show takes.


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("1-3", "1-3 is voided"),
        ("1-1-1", "contact: 1-1-1 no-answer"),
        ("1-disputed", "do: disputed closure"),
        ("1-o5", "order: close shop.example (1-o5)"),
        ("Shop.Example", "site: shop.example"),
    ],
)
def test_show_takes_whatever_has_an_id_and_a_site(doubted: Cli, what: str, told: str) -> None:
    doubted("contact", "1-1", "no-answer")
    shown = doubted("show", what)
    assert shown.status == 0, shown.err
    assert told in shown.out
    assert doubted("show", what, "--json").json
    assert doubted("show", what, "-q").out.strip() in (what.lower(), "1-1")


def test_show_takes_every_id_that_the_queue_lists(doubted: Cli) -> None:
    doubted("site", "uphold", "shop.example", "--reason", "two others")
    doubted("site", "reinstate", "shop.example", "--reason", "filed anew")
    listed = doubted("queue", "-q").out.split()
    assert listed == ["1-1", "1-2", "1-reinstatement", "1-t1"]
    for item in listed:
        assert doubted("show", item, "-q").out.split() == [item]
    told = doubted("show", "1-t1").out
    assert "say: No contact details on file for" in told
    assert "next: incidents done 1-t1 --outcome told" in told
    assert "# a second person, not li; with" in doubted("show", "1-reinstatement").out


def test_what_the_queue_does_not_list_is_not_shown_and_says_why(doubted: Cli) -> None:
    for gone in ("1-t1", "1-t9", "1-closure"):
        refused = doubted("show", gone, "--json")
        assert (refused.status, refused.refused["name"]) == (3, "unknown_task")
    assert "withdrawn while its site is closed" in doubted("show", "1-t1").err
    assert "did you mean shop.example?" in doubted("show", "shpo.example").err
