"""The acts in words: a refusal names what somebody has typed, and who may do it."""

from __future__ import annotations

import click

from incidents.accounts import identity
from incidents.cli.root import root
from incidents.locale import refusals
from incidents.machine.refusal import Refusal

NO_COMMANDS = {"look", "reveal", "try_alarms", "keep_accounts", "own_account"}


def test_every_act_that_is_a_command_is_called_as_the_command_line_has_it() -> None:
    assert refusals.TYPED.keys() == set(identity.ACTS)
    for act in refusals.TYPED.keys() - NO_COMMANDS:
        assert [each for each in refusals.commands(act) if not _is_command(each)] == []


def test_whoever_may_not_release_an_order_is_told_so_by_that_command() -> None:
    facts = {"by": "op-1", "role": "operator", "act": "retry_order"}
    assert "acts release" in refusals.sentence(Refusal("not_let", facts))


def test_who_may_is_told_with_all_roles_of_the_table() -> None:
    assert refusals.who_may("set_hold") == "a supervisor"
    assert refusals.who_may("activate_policy") == "a supervisor or an administrator"
    assert refusals.who_may("log") == "an operator, a supervisor or an integrator"


def test_a_refusal_for_a_role_names_the_command_and_who_may_give_it() -> None:
    facts = {"by": "op-1", "role": "operator", "act": "ask_reinstatement"}
    told = refusals.sentence(Refusal("not_let", facts))
    assert told == (
        "op-1 has the role operator, which does not allow site reinstate; ask a supervisor"
    )


def test_a_hold_by_somebody_who_is_no_supervisor_is_refused_by_its_command() -> None:
    refusal = Refusal("no_supervisor", {"by": "op-1", "act": "set_hold"})
    told = refusals.sentence(refusal)
    assert told == "site hold needs a supervisor; op-1 is not one"


def _is_command(words: str) -> bool:
    context = click.Context(root)
    found: click.Command | None = root
    for word in words.split():
        found = found.get_command(context, word) if isinstance(found, click.Group) else None
    return found is not None
