"""The hints: what fits is named as an act with its facts, and typed as the act's row says."""

from __future__ import annotations

from typing import cast

import click
import pytest

from incidents.cli.root import root
from incidents.contract import hints, next_steps
from incidents.contract.documents import Hint
from incidents.contract.hints import LOOKS, do, look, typed
from incidents.machine import commands as c

SITE = {"site": "shop.example", "state": "active", "held": False}
CLOSED = {**SITE, "state": "closed"}
WAITS = {**SITE, "asked_by": "li"}


def _after(state: str, site: dict[str, object]) -> list[str]:
    return [typed(each) for each in next_steps.after({"id": "1-3", "state": state}, site)]


def test_what_fits_an_incident_follows_from_how_it_stands() -> None:
    assert "incidents contact 1-3 reached" in _after("open", SITE)
    assert "incidents refused 1-3" in _after("notified", SITE)
    assert _after("notified", CLOSED) == ["incidents removed 1-3"]
    assert _after("voided", SITE) == []
    assert _after("notified", WAITS) == [
        "incidents removed 1-3",
        "incidents approve shop.example",
        "incidents decline shop.example --reason R",
    ]


@pytest.mark.parametrize(
    ("hint", "line"),
    [
        (do(c.LiftHold, "shop.example"), "incidents site hold --lift shop.example --reason R"),
        (do(c.Decline, "shop.example"), "incidents decline shop.example"),
        (do(c.CompleteTask, "1-t1", outcome="told"), "incidents done 1-t1 --outcome told"),
        (
            do(c.StateFalse, "shop.example", field="phone"),
            "incidents site false-info shop.example --field phone --evidence E",
        ),
        (
            Hint(act="change_filing", of="shop.example", facts={"filed_on": None}),
            "incidents filing set shop.example filed_on=DAY",
        ),
        (look(hints.RELEASE_ORDER, "1-o4"), "incidents orders release 1-o4"),
        (look("elapse"), "incidents daemon --once"),
        (look("repair", "shop.example"), "incidents orders reconcile shop.example --repair"),
        (look("recover", reason=None), "incidents recover --reason R"),
    ],
)
def test_a_hint_is_typed_with_what_is_known_and_with_a_word_for_what_must_be_said(
    hint: Hint, line: str
) -> None:
    assert typed(hint) == line


HINT = {"act": "record_contact", "of": "1-1", "facts": {"outcome": "reached"}}
REACHED = "incidents contact 1-1 reached"


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        ({"commands": [REACHED], "hints": [HINT]}, [REACHED]),
        ({"commands": [REACHED, "incidents again 1-1"]}, [REACHED, "incidents again 1-1"]),
        ({"hints": [{**HINT, "act": "call_back"}, {**HINT, "more": 1}]}, [REACHED]),
        (
            {"commands": ["incidents call-back 1-1"], "hints": [{**HINT, "act": "call_back"}]},
            ["incidents call-back 1-1"],
        ),
        ({}, []),
    ],
    ids=["the same", "before", "newer", "newer alone", "none"],
)
def test_of_a_server_of_another_version_what_can_be_typed_is_told(
    told: dict[str, object], lines: list[str]
) -> None:
    assert [typed(each) for each in hints.understood(told)] == lines


@pytest.mark.parametrize("name", LOOKS)
def test_each_look_is_a_command(name: str) -> None:
    context, command = click.Context(root), cast("click.Command", root)
    line, *options = LOOKS[name].typed.split(" --")
    for word in line.replace(" {of}", "").split():
        if not isinstance(command, click.Group):
            arguments = [each for each in command.params if isinstance(each, click.Argument)]
            known = [f"{each.metavar} {each.type}" for each in arguments]
            assert word in str(known)
            break
        found = command.get_command(context, word)
        assert found is not None, word
        command = found
    own = {each for param in command.params for each in param.opts}
    assert {f"--{option.split()[0]}" for option in options} <= own
