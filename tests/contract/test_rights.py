"""The rights: each stands once, beside the acts, and each hint that takes one names one of them."""

from __future__ import annotations

from incidents.accounts import identity
from incidents.contract import hints
from incidents.contract.actions import ACTIONS
from incidents.contract.rights import RIGHTS


def test_each_right_has_a_name_of_its_own() -> None:
    names = [each.name for each in RIGHTS]
    assert sorted([*names, *{action.name for action in ACTIONS}]) == sorted(identity.ACTION_NAMES)


def test_what_gives_somebody_a_way_in_or_changes_the_rules_is_done_in_person() -> None:
    assert {each.name for each in RIGHTS if each.in_person} == {
        "activate_policy", "activate_rules", "erase", "keep_accounts", "make_token", "open_sealed",
        "own_factors",
        "set_password",
    }  # fmt: skip


def test_a_hint_takes_a_right_that_there_is() -> None:
    assert {each.right for each in hints.LOOKS.values()} <= {each.name for each in RIGHTS} | {None}
