"""The aftermath of an act: decided once, and looked for only where it matters."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from incidents.contract import aftermath

HOLD, END = {"kind": "hold_set"}, {"kind": "suspension_ended"}


def answer(*events: dict[str, Any], in_force: str = "active") -> dict[str, Any]:
    return {"site": {"in_force": in_force}, "events": list(events)}


def nobody_looks() -> NoReturn:
    raise AssertionError


def test_the_end_of_a_suspension_is_told_as_a_loss_has_left_the_site() -> None:
    told = aftermath.as_left_down(answer(END, HOLD), lambda: "closed")
    assert [each["left_down"] for each in told["events"]] == ["closed", "closed"]
    assert aftermath.as_left_down(answer(END), lambda: None) == answer(END)
    assert aftermath.as_left_down(answer(HOLD), nobody_looks) == answer(HOLD)


@pytest.mark.parametrize("in_force", ["active", "unknown"])
def test_a_hold_that_nothing_carries_out_leaves_the_site_up(in_force: str) -> None:
    held = answer(HOLD, in_force=in_force)
    assert aftermath.stays_up(held, held["events"], lambda: False)
    assert not aftermath.stays_up(held, held["events"], lambda: True)


def test_nobody_looks_where_no_hold_was_set_or_the_site_is_down() -> None:
    assert not aftermath.stays_up(answer(END), [END], nobody_looks)
    assert not aftermath.stays_up(answer(HOLD, in_force="closed"), [HOLD], nobody_looks)
