"""The spellings of commands: one for two acts, and the older ones, which still work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    return cli


def kinds(cli: Cli, *args: str) -> list[str]:
    answer = cli(*args, "--json")
    assert answer.status == 0, answer.err
    return [event["kind"] for event in answer.json["events"]]


def test_undo_of_a_contact_voids_it(desk: Cli) -> None:
    desk("contact", "1-1", "reached")
    assert kinds(desk, "undo", "1-1-1", "--reason", "wrong site") == ["contact_voided"]


def test_undo_of_an_incident_withdraws_its_last_statement(desk: Cli) -> None:
    desk("contact", "1-1", "reached")
    desk("removed", "1-1")
    assert kinds(desk, "undo", "1-1", "--reason", "still there") == ["statement_taken_back"]


def test_undo_of_an_incident_of_which_nothing_was_stated_names_void(desk: Cli) -> None:
    answer = desk("undo", "1-1", "--reason", "wrong")
    assert answer.status == 3
    assert "next: incidents void 1-1 --reason R" in answer.err


def test_removed_takes_a_site_with_one_candidate(desk: Cli) -> None:
    desk("contact", "1-1", "reached")
    assert desk("removed", "shop.example", "-q").out == "1-1\n"


@pytest.mark.parametrize("logged", [0, 2])
def test_removed_of_a_site_without_a_single_candidate_is_refused(cli: Cli, logged: int) -> None:
    cli("site", "add", "shop.example")
    for _ in range(logged):
        cli("log", "shop.example", "--again")
    answer = cli("removed", "shop.example")
    assert answer.status == 3
    assert "shop.example has no single incident" in answer.err
    assert ("1-2, 1-1" in answer.err) == bool(logged)


def test_approve_and_decline_answer_whatever_waits(desk: Cli, tmp_path: Path) -> None:
    two = tmp_path / "two.toml"
    two.write_text("[closure]\ntwo_people = true\n", encoding="utf-8")
    desk("policy", "activate", str(two), "--reason", "two people close")
    evidence = ("--field", "phone", "--evidence", "disconnected")
    desk("site", "false-info", "shop.example", *evidence)
    assert kinds(desk, "decline", "shop.example") == ["closure_declined"]
    desk("site", "false-info", "shop.example", *evidence)
    closed = kinds(
        desk, "approve", "shop.example", "--confirm", "shop.example", "--as", "operator-2"
    )
    assert "site_closed" in closed
    desk("site", "reinstate", "shop.example", "--reason", "new owner")
    assert kinds(desk, "decline", "shop.example", "--as", "operator-2") == [
        "reinstatement_declined"
    ]
    desk("site", "reinstate", "shop.example", "--reason", "new owner")
    assert "site_reinstated" in kinds(desk, "approve", "shop.example", "--as", "operator-2")


def test_what_does_not_wait_cannot_be_approved(desk: Cli) -> None:
    answer = desk("approve", "shop.example", "--json")
    assert (answer.status, answer.refused["name"]) == (3, "nothing_requested")


def test_a_flag_makes_of_an_act_its_opposite(desk: Cli) -> None:
    desk("site", "hold", "shop.example", "--reason", "order 7")
    assert kinds(desk, "site", "hold", "shop.example", "--lift", "--reason", "over") == [
        "hold_lifted"
    ]
    desk("claim", "1-1")
    assert kinds(desk, "claim", "--release", "1-1") == ["item_released"]


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("acts list", "orders list"),
        ("duty", "police list"),
        ("duty --limit 3", "police list --limit 3"),
    ],
)
def test_an_older_spelling_answers_as_the_one_of_now(desk: Cli, old: str, now: str) -> None:
    assert desk(*old.split(), "--json") == desk(*now.split(), "--json")


@pytest.mark.parametrize(
    ("old", "now"),
    [
        ("acts list", "incidents acts is now: incidents orders"),
        ("site unhold shop.example --reason r", "site unhold is now: incidents site hold --lift"),
    ],
)
def test_a_person_who_types_an_older_spelling_is_told_the_one_of_now(
    desk: Cli, monkeypatch: pytest.MonkeyPatch, old: str, now: str
) -> None:
    monkeypatch.setattr("incidents.cli.run.is_terminal", lambda _: True)
    assert now in desk(*old.split()).err
    assert now not in desk(*old.split(), "--json").err


def test_no_help_lists_an_older_spelling(cli: Cli) -> None:
    help_ = cli("--help").out + cli("site", "--help").out
    listed = set(re.findall(r"^  ([a-z-]+)  +\S", help_, re.MULTILINE))
    assert {"orders", "police", "hold", "undo"} <= listed
    assert not {"acts", "duty", "unhold", "void-contact", "take-back", "reported"} & listed
