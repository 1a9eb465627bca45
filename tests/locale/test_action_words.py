"""The acts in words: a refusal says what nobody may do here, and who may do it."""

from __future__ import annotations

from typing import get_args

import click
import pytest

from incidents.accounts import identity
from incidents.cli.root import root
from incidents.locale import refusals
from incidents.locale.language import language
from incidents.machine.refusal import Refusal
from incidents.values.language_tag import Tag
from scripts.generated import roles


@pytest.mark.parametrize("tag", get_args(Tag))
def test_every_act_of_a_role_has_words_in_both_languages(tag: Tag) -> None:
    assert {f"act.{act}" for act in identity.ACTION_NAMES} <= language(tag).phrases.keys()


def test_the_page_of_the_roles_names_commands_that_there_are() -> None:
    assert roles.COMMANDS.keys() < set(identity.ACTION_NAMES)
    assert [
        each for known in roles.COMMANDS.values() for each in known if not _is_command(each)
    ] == []


def test_whoever_may_not_release_an_order_is_told_so() -> None:
    facts = {"by": "op-1", "role": "operator", "act": "retry_order"}
    assert "retry an order" in refusals.sentence(Refusal("not_let", facts))


def test_who_may_is_told_with_all_roles_of_the_table() -> None:
    assert refusals.roles_for("set_hold") == "a supervisor"
    assert refusals.roles_for("activate_policy") == "a supervisor or an administrator"
    assert refusals.roles_for("log") == "an operator, a supervisor or an integrator"


def test_a_refusal_for_a_role_says_the_act_and_who_may_do_it() -> None:
    facts = {"by": "op-1", "role": "operator", "act": "ask_reinstatement"}
    told = refusals.sentence(Refusal("not_let", facts))
    assert told == (
        "op-1 has the role operator and cannot request the reinstatement of the site; ask a"
        " supervisor"
    )


def test_a_hold_by_somebody_who_is_no_supervisor_is_refused_in_words() -> None:
    refusal = Refusal("no_supervisor", {"by": "op-1", "act": "set_hold"})
    told = refusals.sentence(refusal)
    assert told == "only a supervisor can set a hold; op-1 is not a supervisor"


def _is_command(words: str) -> bool:
    context = click.Context(root)
    found: click.Command | None = root
    for word in words.partition(" --")[0].split():
        if found is None:
            return False
        if not isinstance(found, click.Group):
            # `alarms test`: the word is an argument's.
            return any(f"[{word}]" == each.metavar for each in found.params)
        found = found.get_command(context, word)
    return found is not None
