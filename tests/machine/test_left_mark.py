"""The mark of a site that a loss has left down: what sets it, and what takes it away."""

from collections.abc import Callable
from typing import Self

import pytest
from hypothesis import given

from incidents.machine import commands as c
from incidents.machine import left_mark
from incidents.machine.case import Case
from incidents.machine.command import DAEMON
from incidents.machine.left_mark import READS, Epoch, is_kept_down, is_marked
from incidents.machine.orders import ACT, NOTICE
from tests.machine.order_history import OrderHistory
from tests.machine.random_histories import RandomHistory, histories, play


class LostHistory(OrderHistory):
    """The history of a site whose record loses its end now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[Epoch] = []

    def lost(self) -> Self:
        """A daemon notices that the end is lost."""
        return self._begin(by_person=False, is_loss=True)

    def moved(self) -> Self:
        """Another server takes over, and nothing is missing."""
        return self._begin(by_person=False, is_loss=False)

    def recovered(self) -> Self:
        """A person goes on, who has seen the list."""
        return self._begin(by_person=True, is_loss=False)

    def repeated_by_daemon(self) -> Self:
        """A daemon orders once more what is ordered."""
        return self.do(c.RepeatOrder(by=DAEMON))

    def suspended(self) -> Self:
        """Nobody is reached in time (R2)."""
        self.after("1m").log()
        return self.after("1h", "1s").elapse()

    def to_be_opened(self) -> Self:
        """The hours of a suspension are over, and the site waits to be opened."""
        self.suspended().delivered("suspend").delivered("suspend", NOTICE)
        return self.after("12h", "1s").elapse()

    @property
    def marked(self) -> bool:
        read = [each for each in enumerate(self.events, 1) if type(each[1]) in READS]
        found = is_marked(read, self.begun)
        assert found == is_marked(enumerate(self.events, 1), self.begun)
        return found

    def _begin(self, *, by_person: bool, is_loss: bool) -> Self:
        self.after("1m").begun.append(Epoch(self.clock, by_person, is_loss))
        return self.after("1m")


Act = Callable[[LostHistory], object]


@pytest.mark.parametrize("state", ["suspended", "closed", "unknown"])
def test_a_site_that_is_down_or_unknown_in_the_world_is_marked_after_a_loss(state: str) -> None:
    site = LostHistory().seen(state)
    assert not site.marked
    assert LostHistory().lost().seen(state).marked
    assert not site.lost().marked, "it was known before"


def test_what_was_known_to_be_as_far_down_is_not_marked() -> None:
    assert not LostHistory().seen("closed").lost().seen("suspended").marked
    assert not LostHistory().seen("suspended").lost().seen("unknown").marked


def test_one_that_is_up_is_not_marked_any_more() -> None:
    assert not LostHistory().lost().seen("suspended").seen("active").marked


def test_how_it_was_ordered_at_the_loss_counts_until_it_is_up() -> None:
    site = LostHistory().suspended().delivered("suspend").lost().seen("active")
    assert site.after("12h").elapse().seen("suspended").marked
    site = LostHistory().suspended().delivered("suspend").lost().after("12h").elapse()
    assert site.delivered("reopen").seen("suspended").marked
    assert LostHistory().lost().hold().unhold().delivered("reopen").seen("suspended").marked


def test_what_was_suspended_on_record_is_not_marked_unless_it_is_closed() -> None:
    site = LostHistory().suspended().lost().seen("suspended")
    assert not site.marked
    assert site.seen("closed").marked


def test_what_is_unknown_is_as_far_down_as_it_is_ordered_to_be() -> None:
    assert not LostHistory().suspended().lost().seen("unknown").seen("suspended").marked
    assert not LostHistory().hold().delivered("suspend").lost().seen("unknown").marked
    assert (
        LostHistory().suspended().delivered("suspend").lost().seen("unknown").seen("closed").marked
    )


def test_clocks_that_have_lapsed_since_hide_no_site_that_was_down() -> None:
    assert LostHistory().lost().suspended().seen("suspended").marked
    assert LostHistory().lost().seen("suspended").suspended().marked


def test_one_is_marked_that_was_down_when_a_clock_suspended_it_and_nothing_was_on_its_way() -> None:
    assert LostHistory().seen("suspended").lost().suspended().marked
    assert LostHistory().to_be_opened().failed("reopen").lost().suspended().marked
    assert not LostHistory().lost().suspended().marked, "it was up"


def test_a_suspension_that_may_have_been_carried_out_is_why_its_site_is_down() -> None:
    assert not LostHistory().lost().suspended().failed("suspend").seen("suspended").marked


def test_one_is_not_marked_that_an_order_on_its_way_would_have_opened() -> None:
    """A person has had it opened; it is suspended before that is done."""
    site = LostHistory().lost().seen("suspended").repeat()
    assert not site.suspended().marked


def test_an_opening_that_waited_at_a_loss_is_none_that_counts() -> None:
    assert LostHistory().to_be_opened().lost().marked
    assert not LostHistory().to_be_opened().moved().marked
    assert not LostHistory().to_be_opened().seen("active").lost().marked
    assert not LostHistory().to_be_opened().failed("reopen").lost().marked


def test_a_person_who_goes_on_opens_none_by_what_a_clock_had_ordered() -> None:
    """They were told of no opening: it waited while nobody carried it out."""
    assert LostHistory().to_be_opened().lost().recovered().marked
    site = LostHistory().lost().seen("suspended").suspended().recovered()
    assert site.marked
    assert site.after("12h", "1s").elapse().recovered().marked
    assert not site.repeat().marked


def test_nor_by_the_lift_of_a_hold_that_waited_at_the_loss() -> None:
    assert LostHistory().hold().delivered("suspend").unhold().lost().recovered().marked


def test_they_open_what_a_person_has_had_opened_by_its_name() -> None:
    site = LostHistory().seen("suspended").repeat().lost()
    assert site.marked
    assert not site.recovered().marked
    site = LostHistory().to_be_opened().failed("reopen").retried("reopen").lost()
    assert site.marked
    assert not site.recovered().marked


def test_an_opening_that_is_cancelled_for_a_loss_leaves_the_site_marked() -> None:
    site = LostHistory().to_be_opened().moved().cancelled("reopen", why="left_down")
    assert site.marked
    assert not LostHistory().to_be_opened().moved().cancelled("reopen").marked


def left(site: LostHistory) -> LostHistory:
    """It is down after a loss, and nothing on record keeps it down."""
    return site.lost().seen("suspended")


def in_hand(site: LostHistory) -> LostHistory:
    """An opening waited at the loss, which somebody has in hand: no hold or closure cancels it."""
    return site.to_be_opened().tried("reopen", until="03-09 12:00")


@pytest.mark.parametrize(
    ("before", "decide"),
    [
        (left, lambda site: site.hold()),
        (left, lambda site: site.false_info()),
        (left, lambda site: site.repeat()),
        (lambda site: in_hand(site).hold().lost(), lambda site: site.unhold()),
        (lambda site: in_hand(site).false_info().lost().reinstate(), lambda site: site.approve()),
        (lambda site: in_hand(site).lost(), lambda site: site.delivered("reopen")),
        (lambda site: in_hand(site).lost().failed("reopen"), lambda site: site.retried("reopen")),
    ],
    ids=["held", "closed", "ordered again", "lifted", "reinstated", "opened", "tried again"],
)
def test_what_a_person_or_a_rule_decides_takes_the_mark_away(before: Act, decide: Act) -> None:
    site = LostHistory()
    before(site)
    assert site.marked

    decide(site)

    assert site.refused_with is None
    assert not site.marked


def test_a_site_is_kept_down_that_is_marked_or_held() -> None:
    def kept(site: LostHistory) -> bool:
        return is_kept_down(enumerate(site.events, 1), site.begun)

    assert kept(left(LostHistory()))
    assert kept(LostHistory().suspended().hold())
    assert not kept(LostHistory().suspended().hold().unhold())


def test_nothing_that_a_daemon_orders_does() -> None:
    assert LostHistory().lost().seen("suspended").repeated_by_daemon().marked


def test_what_is_seen_before_an_opening_is_done_that_a_person_has_ordered_is_no_news() -> None:
    assert not LostHistory().lost().hold().unhold().seen("unknown").marked
    site = LostHistory().lost().hold().unhold()
    assert not site.seen("suspended").marked
    assert site.lost().seen("active").seen("suspended").marked


def test_one_that_is_a_dead_letter_waits_no_more_in_the_next_epoch() -> None:
    site = LostHistory().lost().seen("suspended").repeat().failed("reopen")
    assert site.moved().seen("suspended").marked


def test_a_hold_or_a_closure_on_record_is_why_its_site_is_down() -> None:
    assert not LostHistory().hold().lost().seen("suspended").marked
    assert (
        not LostHistory().hold().delivered("suspend").lost().seen("active").seen("suspended").marked
    )
    assert (
        not LostHistory()
        .false_info()
        .delivered("close")
        .lost()
        .seen("active")
        .seen("closed")
        .marked
    )


def test_an_epoch_begins_with_what_is_recorded_later_than_it() -> None:
    site = LostHistory().seen("suspended")
    at = site.clock
    read = list(enumerate(site.events, 1))
    assert not is_marked(read, [Epoch(at, by_person=False, is_loss=True)])
    before = Epoch(at.replace(year=2025), by_person=False, is_loss=True)
    assert is_marked(read, [before])


@given(histories())
def test_it_follows_a_case_as_its_entries_change_it(history: RandomHistory) -> None:
    own, number = Case(site_id=1, site="site.example"), 0
    for moment in play(history):
        for event in moment.decision.events:
            number += 1
            if type(event) in READS:
                left_mark.follow(own, number, event)
        case = moment.decision.case
        acts = {key: each for key, each in case.deliveries.items() if each.lane == ACT}
        assert (own.state, own.in_force, own.hold) == (case.state, case.in_force, case.hold)
        assert own.deliveries == acts


# ── Closed in the world


def closed(site: LostHistory) -> LostHistory:
    """A rule had closed it, and the closing is lost."""
    return site.lost().seen("closed")


def suspended_and_closed(site: LostHistory) -> LostHistory:
    """A suspension ran at the copy, and runs still."""
    return site.suspended().delivered("suspend").lost().seen("closed")


@pytest.mark.parametrize("before", [closed, suspended_and_closed])
def test_a_hold_and_its_lift_leave_a_closed_site_marked(
    before: Callable[[LostHistory], LostHistory],
) -> None:
    site = before(LostHistory()).hold()
    assert site.marked
    assert site.unhold().marked
    assert site.hold().unhold().marked


def test_so_does_a_person_who_goes_on_before_it_is_on_the_list_again() -> None:
    site = closed(LostHistory()).hold().unhold().recovered()
    assert site.marked
    assert not site.cancelled("reopen", why="left_down").recovered().repeat().marked


def test_so_they_do_before_anybody_has_seen_that_it_is_closed() -> None:
    assert LostHistory().lost().hold().seen("closed").marked
    assert LostHistory().lost().hold().unhold().seen("closed").marked
    assert LostHistory().hold().delivered("suspend").lost().seen("closed").unhold().marked


@pytest.mark.parametrize(
    "decide",
    [
        lambda site: site.false_info(),
        lambda site: site.repeat(),
        lambda site: site.repeat().failed("reopen").retried("reopen"),
        lambda site: site.false_info().reinstate().approve(),
        lambda site: site.recovered().repeat(),
        lambda site: site.seen("active"),
        lambda site: site.seen("suspended").hold(),
    ],
    ids=["closed", "ordered again", "tried again", "reinstated", "recovered", "seen up", "no more"],
)
def test_what_closes_it_again_or_opens_it_by_its_name_takes_the_mark_away(decide: Act) -> None:
    site = closed(LostHistory())
    decide(site)
    assert site.refused_with is None
    assert not site.marked


def test_a_suspension_that_is_cancelled_over_a_closure_marks_no_site_that_is_held() -> None:
    """It was reinstated on record, and is opened when the hold is lifted."""
    site = LostHistory().false_info().delivered("close").lost().reinstate().approve()
    assert not site.hold().cancelled("suspend", why="left_down").marked
    assert site.refused_with is None


def test_a_closed_site_that_a_person_has_had_opened_is_no_news_until_that_is_lost() -> None:
    site = LostHistory().lost().seen("suspended").repeat().seen("closed")
    assert not site.marked
    assert site.lost().marked
