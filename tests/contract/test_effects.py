"""The effects of an action: decided once, and looked for only where it matters."""

from __future__ import annotations

from typing import NoReturn, cast

import pytest

from incidents.contract import effects
from incidents.contract.documents.actions import Event
from incidents.contract.documents.sites import Site

HOLD = cast("Event", {"kind": "hold_set"})
CLOSURE = cast("Event", {"kind": "site_closed"})
END = cast("Event", {"kind": "suspension_ended"})


def site(in_force: str) -> Site:
    return cast("Site", {"in_force": in_force})


def nobody_looks() -> NoReturn:
    raise AssertionError


def test_the_end_of_a_suspension_is_told_as_a_loss_has_left_the_site() -> None:
    told = effects.as_left_down([END, HOLD], lambda: "closed")
    assert [cast("dict[str, str]", each)["left_down"] for each in told] == ["closed", "closed"]
    assert effects.as_left_down([END], lambda: None) == [END]
    assert effects.as_left_down([HOLD], nobody_looks) == [HOLD]


@pytest.mark.parametrize("in_force", ["active", "unknown"])
@pytest.mark.parametrize("ordered", [HOLD, CLOSURE])
def test_a_hold_or_closure_that_nothing_carries_out_leaves_the_site_up(
    ordered: Event, in_force: str
) -> None:
    assert effects.stays_up(site(in_force), [ordered], lambda: False)
    assert not effects.stays_up(site(in_force), [ordered], lambda: True)


def test_nobody_looks_where_nothing_was_to_go_down_or_the_site_is_down() -> None:
    assert not effects.stays_up(site("active"), [END], nobody_looks)
    assert not effects.stays_up(site("closed"), [HOLD], nobody_looks)
