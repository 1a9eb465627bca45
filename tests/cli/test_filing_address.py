"""`incidents filing set`: what a changed address asks for, and what a suspicion does."""

import pytest

from tests.cli.conftest import Cli

A, B = "192.0.2.1", "192.0.2.2"
STEPS = (
    "Change the site's filing.\n"
    "State that the IP address has changed.\n"
    "Submit for first review.\n"
    "Have the contract changed too: it names the IP address.\n"
)


@pytest.fixture
def desk(cli: Cli) -> Cli:
    """A commercial site in Beijing, at A."""
    cli("site", "add", "shop.example")
    addresses = (f"contract_ip={A}", f"resolved_ip={A}", f"reported_ip={A}")
    answers = (
        cli("filing", "set", "shop.example", "nature=commercial", *addresses),
        cli("filing", "server", "shop.example", "main", "--province", "北京", "--ip", A),
    )
    assert [(answer.status, answer.err) for answer in answers] == [(0, ""), (0, "")]
    return cli


def test_an_address_that_changes_is_told_with_what_is_to_be_done(desk: Cli) -> None:
    answer = desk("filing", "set", "shop.example", f"resolved_ip={B}")
    assert answer.status == 0
    assert answer.err == (
        "shop.example is a commercial site, and its address has changed. To do:\n" + STEPS
    )


def test_a_server_that_moves_is_told_of_alike(desk: Cli) -> None:
    desk("filing", "set", "shop.example", f"resolved_ip={B}")
    assert STEPS in desk("filing", "server", "shop.example", "main", "--ip", B).err


def test_the_same_address_again_asks_for_nothing(desk: Cli) -> None:
    assert desk("filing", "set", "shop.example", f"resolved_ip={A}").err == ""
    assert desk("filing", "set", "shop.example", "level=3").err == ""


def test_a_program_is_told_nothing_of_a_changed_address(desk: Cli) -> None:
    answer = desk("filing", "set", "shop.example", f"resolved_ip={B}", "--json")
    assert (answer.status, answer.err) == (0, "")


def test_a_change_that_is_refused_asks_for_nothing(desk: Cli) -> None:
    answer = desk("filing", "set", "shop.example", f"resolved_ip={B}", "opened_on=2099-01-01")
    assert answer.status == 3
    assert "To be done" not in answer.err


def test_after_a_suspicion_the_checks_are_looked_at_before_it_is_done_with(desk: Cli) -> None:
    answer = desk("filing", "set", "shop.example", "responsible_phone=13800000000")
    assert answer.out.splitlines()[-1] == "next: incidents filing check shop.example"
