"""What became of orders is decided again from the entries alone: what nobody could have recorded is
found, and what the desk has recorded is not."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from incidents.machine import commands as c
from incidents.machine import events as e
from tests.audit.decided import (
    LOGIN,
    Decided,
    Entry,
    added,
    altered,
    decided_again,
    first_wrong,
    kinds,
    of_kind,
    order,
    seen,
    with_,
    without,
    wrong_in,
)

pytestmark = pytest.mark.usefixtures("how")

HOLD = c.SetHold(by="li", reason="sha256:1")
LIFT = c.LiftHold(by="li", reason="sha256:2")


def began(*commands: c.Command) -> Decided:
    """A site, and what was done on it."""
    site = added()
    for command in commands:
        site.do(command, minutes=1)
    return site


def marked(site: Decided, number: int, lane: str = "act", *, attempts: int = 1) -> None:
    """Marks of attempts, which are on no record."""
    own = site.case.deliveries[number, lane]
    site.case.deliveries[number, lane] = replace(own, attempts=attempts)


def never_written(site: Decided, *numbers: int) -> None:
    """What a desk forgets of orders that cancelled out in their transaction; the record has it."""
    unsettled = site.case.deliveries
    for key in [key for key in unsettled if key[0] in numbers]:
        del unsettled[key]


def found(site: Decided) -> str:
    """What is wrong with the record."""
    finding = wrong_in(site.entries, site.own)
    return str(finding.found)


# ── what is in order ─────────────────────────────────────────────────────────────────────────────


def _tried_and_lifted(site: Decided) -> None:
    marked(site, 2)
    site.lift(minutes=1).cancel_lifted(2, minutes=1)
    assert site.case.in_force == "unknown"
    site.deliver(minutes=1)


def _a_notice_that_a_reopening_in_the_world_lifts(site: Decided) -> None:
    site.lift(minutes=1).cancel_lifted(2, "notice", minutes=1)


def _given_up_and_tried_again(site: Decided) -> None:
    site.fail(minutes=1).retry(2, minutes=1).fail(minutes=1)
    site.do(c.CancelOrder(by="li", order=2, lane="act", why="by_hand"), minutes=1)


def _a_dead_letter_that_arrived(site: Decided) -> None:
    site.fail(minutes=1).lift(minutes=1).deliver(minutes=1)
    site.do(c.RecordDelivery(order=2, lane="act", adapter="a", attempts=9, enforced=True))
    site.do(seen(site, "active"), minutes=1)


def _ordered_once_more(site: Decided) -> None:
    site.fail(minutes=1).repeat(minutes=1).deliver(minutes=1)


def _ordered_once_more_by_an_earlier_program(site: Decided) -> None:
    """It left the dead letter where it was; the next repetition is done with it."""
    site.fail(minutes=1).do(c.RepeatOrder(by="li", alone=True), minutes=1).deliver(minutes=1)
    site.do(seen(site, "active"), minutes=1).repeat(minutes=1)
    assert kinds(site.entries)[-2:] == ["order_repeated", "order_cancelled"]


def _a_suspension_that_was_never_written(site: Decided) -> None:
    """It was lifted in its own transaction, with what repeated it; a later one is lifted before
    anybody has tried it, and its reopening too."""
    site.lift(minutes=1)
    for number in (2, 3):
        site.do(c.CancelOrder(by="li", order=number, lane="act", why="by_hand"))
    now = len(site.entries)
    for command in (HOLD, c.RepeatOrder(by="li"), LIFT):
        site.do(command)
    never_written(site, now + 1, now + 2, now + 3)
    site.hold(minutes=1)
    suspending = order(site)
    site.lift(minutes=1).cancel_lifted(suspending, minutes=1).cancel_lifted(order(site))
    assert site.case.in_force == "active"


def _a_hold_on_what_is_down(site: Decided) -> None:
    site.deliver(minutes=1)
    site.do(c.StateFalse(by="li", field="phone", evidence="sha256:2"), minutes=1).deliver(minutes=1)
    site.lift(minutes=1).hold(minutes=1)
    assert kinds(site.entries)[-2:] == ["hold_set", "order_repeated"]


def _a_hold_that_outlasts_a_suspension(site: Decided) -> None:
    """Its customer is told of it; one of before told nobody, and nor does its replay."""
    site.lift(minutes=1).log(minutes=1).elapse(minutes=61).deliver(minutes=1).hold(minutes=1)
    site.lift(minutes=1).do(replace(HOLD, alone=True)).do(c.RepeatOrder(by="li", alone=True))
    repeated = [each.event for each in site.entries if isinstance(each.event, e.OrderRepeated)]
    assert [each.tells for each in repeated] == [True, False]


HISTORIES = (
    _a_hold_that_outlasts_a_suspension,
    _a_hold_on_what_is_down,
    _tried_and_lifted,
    _a_notice_that_a_reopening_in_the_world_lifts,
    _given_up_and_tried_again,
    _a_dead_letter_that_arrived,
    _ordered_once_more,
    _ordered_once_more_by_an_earlier_program,
    _a_suspension_that_was_never_written,
)


@pytest.mark.parametrize("tell", HISTORIES, ids=lambda tell: tell.__name__.strip("_"))
def test_what_the_desk_has_recorded_of_orders_is_decided_again(
    tell: Callable[[Decided], None],
) -> None:
    site = began(HOLD)
    tell(site)
    redecision = decided_again(site)
    case = redecision.case
    assert case is not None
    assert (case.in_force, case.last_act) == (site.case.in_force, site.case.last_act)
    assert site.case.deliveries.keys() <= case.deliveries.keys()


def test_what_was_in_somebodys_hand_when_it_was_cancelled_is_nobodys_business() -> None:
    site = began(HOLD, LIFT)
    marked(site, 2, attempts=3)
    site.cancel_lifted(2, minutes=1)
    assert first_wrong(site.entries, []) is None


# ── what nobody could have recorded ──────────────────────────────────────────────────────────────


def _event(kind: type[e.Event], site: Decided, **fields: object) -> Entry:
    """An entry that somebody has written behind what is there."""
    at = site.now
    event = kind(
        occurred_at=at, recorded_at=at, by=c.DISPATCHER, policy=site.policy.digest,
        **fields,  # type: ignore[arg-type]  # those of the kind
    )  # fmt: skip
    return Entry(event=event, login=LOGIN, place=99)


def test_a_delivery_of_an_order_that_never_was_is_found() -> None:
    site = began(HOLD)
    for number, lane in ((1, "act"), (2, "desk"), (3, "act"), (7, "notice")):
        forged = _event(
            e.OrderDelivered, site, order=number, lane=lane, order_kind="suspend", adapter="panel",
            attempts=1, enforced=True,
        )  # fmt: skip
        finding = wrong_in([*site.entries, forged], site.own)
        assert (finding.row, finding.problem) == ("7-3", "not_decided")
        assert str(finding.found).startswith("the desk refuses it: order 7-o")


def test_a_delivery_that_is_recorded_twice_is_found() -> None:
    site = began(HOLD).deliver(minutes=1)
    site.entries.append(site.entries[-1])
    assert found(site).startswith("the desk refuses it: order 7-o2 is neither")


def test_a_delivery_of_another_kind_than_was_ordered_is_found_with_both() -> None:
    site = began(HOLD).deliver(minutes=1)
    forged = altered(site.entries[2], order_kind="reopen")
    site.entries[2] = forged
    assert found(site) == "order_kind is reopen, but the policy gives suspend"


def test_a_delivery_without_its_order_is_found() -> None:
    """The suspension was taken out of the record, and what was done by it left in."""
    site = began(HOLD).deliver(minutes=1)
    assert first_wrong(without(site.entries, 2), []) == 2


def test_a_lifting_that_nothing_lifts_is_found() -> None:
    site = began(HOLD, LIFT)
    site.cancel_lifted(2, minutes=1)
    assert first_wrong(without(site.entries, 3), []) == 3


def test_a_reopening_that_is_said_to_be_lifted_after_the_site_was_taken_down_is_found() -> None:
    site = began(HOLD).deliver(minutes=1).lift(minutes=1)
    site.entries.append(
        _event(
            e.OrderCancelled, site, order=4, lane="act", order_kind="reopen", why="lifted",
        )
    )  # fmt: skip
    assert found(site).startswith("the desk refuses it: order 7-o4 still applies")


def test_a_failure_of_a_dead_letter_and_a_retry_of_none_are_found() -> None:
    site = began(HOLD).fail(minutes=1).retry(2, minutes=1)
    assert first_wrong(without(site.entries, 3), []) == 3
    site.fail(minutes=1)
    assert first_wrong(without(site.entries, 4), []) == 4


def test_a_retry_of_what_was_overtaken_is_found() -> None:
    site = began(HOLD).fail(minutes=1).lift(minutes=1)
    forged = _event(e.OrderRetried, site, order=2, lane="act", order_kind="suspend")
    site.entries.append(forged)
    assert "is outdated: it would undo a later order for a.example" in found(site)


def test_an_order_that_was_repeated_without_need_is_found() -> None:
    site = began(HOLD).fail(minutes=1).repeat(minutes=1)
    repeated = of_kind(site, "order_repeated")
    assert first_wrong(site.entries, []) is None
    other = altered(site.entries[repeated - 1], order_kind="close")
    assert first_wrong(with_(site.entries, repeated, other), []) == repeated
    site.deliver(minutes=1)
    again = replace(site.entries[repeated - 1], place=99)
    later = altered(again, occurred_at=site.now, recorded_at=site.now)
    site.entries.append(later)
    assert "no order to repeat" in found(site)


def test_a_sighting_of_what_was_known_changes_nothing_and_is_found() -> None:
    site = began(HOLD)
    site.entries.append(_event(e.StateSeen, site, adapter="panel", seen="active"))
    assert found(site) == "state_seen changes nothing"


@pytest.mark.parametrize("kind", ["incident_reported", "removal_said"])
def test_what_is_said_once_and_stands_twice_is_found(kind: str) -> None:
    site = began(c.Log(by="li"))
    said = {
        "incident_reported": c.StateReported(by="li", incident=1),
        "removal_said": c.SayRemoved(incident=1),
    }
    site.do(said[kind], minutes=1)
    site.entries += [entry for entry in site.entries if entry.n == site.acts]
    assert found(site).startswith("the desk refuses it: ")
