"""Laws of orders: what holds in every history, whatever becomes of them in the world."""

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.apply import apply
from incidents.machine.case import UNKNOWN, Case, Delivery
from incidents.machine.command import FORCE
from incidents.machine.decide import decide
from incidents.machine.orders import ACT, order_of
from incidents.machine.policy import Policy
from tests.machine.random_histories import (
    ACTIVATE,
    OF_AN_ORDER,
    START,
    RandomHistory,
    command,
    histories,
    play,
)


@given(histories())
def test_what_waits_follows_from_an_entry_of_the_record_and_from_nothing_else(
    history: RandomHistory,
) -> None:
    """Told again without the machine: each order waits in its lanes until it is settled there."""
    waiting: dict[tuple[int, str], tuple[str, bool]] = {}
    seq = 0
    for moment in play(history):
        for event in moment.decision.events:
            seq += 1
            if isinstance(event, e.OrderDelivered | e.OrderCancelled):
                del waiting[event.order, event.lane]
            elif isinstance(event, e.OrderFailed | e.OrderRetried):
                kind, dead = waiting[event.order, event.lane]
                assert dead == isinstance(event, e.OrderRetried)
                waiting[event.order, event.lane] = kind, not dead
            order = order_of(event)
            if order is not None:
                waiting |= {(seq, lane): (order.kind, False) for lane in order.lanes}
        assert moment.decision.case.deliveries == {
            key: Delivery(order=key[0], lane=key[1], kind=kind, dead=dead)
            for key, (kind, dead) in waiting.items()
        }


@given(histories())
def test_what_is_in_force_changes_by_what_became_of_an_act_or_by_what_was_seen(
    history: RandomHistory,
) -> None:
    for moment in play(history):
        case = moment.before.copy()
        for event in moment.decision.events:
            before = case.copy()
            apply(case, event)
            _check_what_is_in_force(event, before, case)


def _check_what_is_in_force(event: e.Event, before: Case, case: Case) -> None:
    in_force, last_act = before.in_force, before.last_act
    if isinstance(event, e.StateSeen):
        assert case.in_force == event.seen != in_force
    elif isinstance(event, e.OrderDelivered) and event.lane == ACT:
        # A site that was just opened is never said to be down, and the other way round.
        assert case.in_force == (FORCE[event.order_kind] if event.enforced else in_force)
        assert case.last_act == max(event.order, last_act)
        return
    elif isinstance(event, e.OrderFailed | e.OrderCancelled) and event.lane == ACT:
        tried = isinstance(event, e.OrderFailed) or event.tried
        # Of a dead letter it was said before, and what came after it has undone what it did.
        said = before.deliveries[event.order, ACT].dead or event.order < last_act
        known = not tried or said or in_force == FORCE[event.order_kind]
        assert case.in_force == (in_force if known else UNKNOWN)
    else:
        assert case.in_force == in_force
    assert case.last_act == last_act


@given(histories())
def test_an_order_is_repeated_exactly_while_something_else_is_in_force_or_will_be(
    history: RandomHistory,
) -> None:
    """An order that waits to open a site that is to be down would put something else in force."""
    for moment in play(history):
        case = moment.decision.case
        again = decide(case, c.RepeatOrder(by="p"), moment.policy, moment.now)
        waiting = (d for d in case.deliveries.values() if d.lane == ACT and not d.dead)
        opens = case.state != "active" and any(each.kind == "reopen" for each in waiting)
        assert (again.refusal is None) == (case.in_force != case.state or opens)
        if again.refusal is None:
            [event] = [each for each in again.events if isinstance(each, e.OrderRepeated)]
            assert FORCE[event.order_kind] == case.state


class World:
    """A site with its orders, and how it really stands while a courier carries them out.

    Of what the courier has tried the case bears the marks, as it does when it is read from a
    database.
    """

    def __init__(self, policy: Policy, chance: Random) -> None:
        self.policy = policy
        self.chance = chance
        self.now = START
        self.really = "active"
        self.case = Case(site_id=1, site="site.example")
        self.do(c.AddSite(by="p"))

    def do(self, asked: c.Command) -> bool:
        """Decide; whether it was not refused."""
        decision = decide(self.case, asked, self.policy, self.now)
        self.case = decision.case
        return decision.refusal is None

    @property
    def waiting(self) -> list[Delivery]:
        """The orders that wait to be carried out in the world, in order."""
        acts = [d for d in self.case.deliveries.values() if d.lane == ACT and not d.dead]
        return sorted(acts, key=lambda delivery: delivery.order)

    def try_first(self, *, effect: bool, answer: str) -> None:
        """One attempt at the first one: whether it has an effect, and what is heard of it."""
        first = self.waiting[0]
        first = replace(first, attempts=first.attempts + 1)
        self.case.deliveries[first.order, ACT] = first
        if effect:
            self.really = FORCE[first.kind]
        own = {"order": first.order, "lane": ACT, "adapter": "a", "attempts": first.attempts}
        if answer == "done":
            assert self.do(c.RecordDelivery(**own, enforced=True))  # type: ignore[arg-type]  # fields
        elif answer == "no":
            assert self.do(c.RecordFailure(**own, problem="fault"))  # type: ignore[arg-type]  # fields

    def cancel_any(self, why: str) -> None:
        """Cancel one of the orders in the world, if that is accepted."""
        acts = [d.order for d in self.case.deliveries.values() if d.lane == ACT]
        if acts:
            order = self.chance.choice(acts)
            self.do(c.CancelOrder(by="p", order=order, lane=ACT, why=why))

    def retry_any(self) -> None:
        """Try a dead letter again, if that is accepted."""
        dead = [d.order for d in self.case.deliveries.values() if d.dead and d.lane == ACT]
        if dead:
            order = self.chance.choice(dead)
            if self.do(c.RetryOrder(by="p", order=order, lane=ACT)):
                again = replace(self.case.deliveries[order, ACT], attempts=0)
                self.case.deliveries[order, ACT] = again

    def carry_all_out(self) -> None:
        """Whatever waits is done, and heard of; then the world is as it was ordered."""
        while self.waiting:
            self.try_first(effect=True, answer="done")
        assert self.really == self.case.state == self.case.in_force

    def live(self, history: RandomHistory) -> None:
        """What people do in that history and the police besides, so that many orders come to wait;
        and in between what this world's courier does."""
        for step in history.steps:
            self.now += step.wait
            told = step.act not in (ACTIVATE, "see", *OF_AN_ORDER)
            self.do(command(step, self.case, self.now) if told else c.Elapse())
            if self.chance.random() < 0.5:
                held = self.case.held
                self.do(c.LiftHold(by="p", reason="r") if held else c.SetHold(by="p", reason="r"))
            for _ in range(self.chance.randrange(3)):
                self.happen()
            if self.chance.random() < 0.3:
                self.carry_all_out()

    def happen(self) -> None:
        """Something happens to an order: nothing is given up, and nobody meddles."""
        if self.chance.random() < 0.4:
            self.cancel_any("lifted")
        elif self.waiting:
            done = self.chance.random() < 0.5
            self.try_first(effect=done or self.chance.random() < 0.5, answer="done" if done else "")


class HarshWorld(World):
    """Orders are given up as well, put aside by hand, tried again, repeated; and it is looked at
    how the site really stands."""

    def happen(self) -> None:
        """Something happens to an order."""
        match self.chance.randrange(7):
            case 0:
                self.cancel_any("lifted")
            case 1:
                self.cancel_any("by_hand")
            case 2:
                self.retry_any()
            case 3:
                self.do(c.RepeatOrder(by="p"))
            case 4 if self.chance.random() < 0.2 and not self.in_doubt:
                case = self.case
                seen = c.RecordState(
                    by="p", adapter="a", seen=self.really, in_force=case.in_force,
                    last_act=case.last_act,
                )  # fmt: skip
                assert self.do(seen)
            case _ if self.waiting:
                answer = self.chance.choice(("done", "no", ""))
                effect = answer == "done" or self.chance.random() < 0.5
                self.try_first(effect=effect, answer=answer)
        self._check()

    def carry_all_out(self) -> None:
        """Whatever waits is done; what was given up meanwhile may have to be ordered once more, and
        a dead letter that can be tried again undoes nothing."""
        while self.waiting:
            self.try_first(effect=True, answer="done")
        self._check()
        if self.case.in_force != self.case.state:
            assert self.do(c.RepeatOrder(by="p"))
        self.retry_any()
        super().carry_all_out()

    def _check(self) -> None:
        """What is known to be in force is so, unless something was tried and not heard of."""
        if not self.in_doubt:
            assert self.case.in_force in (self.really, UNKNOWN)

    @property
    def in_doubt(self) -> bool:
        """Whether something was tried that was not heard of."""
        return any(delivery.attempts for delivery in self.waiting)


# Only a few of the moments of a history can go wrong.
_many = settings(max_examples=3 * settings().max_examples)


@_many
@given(histories(), st.integers(0, 10_000))
def test_when_all_is_carried_out_the_world_is_as_it_was_ordered_whatever_was_lifted(
    history: RandomHistory, seed: int
) -> None:
    World(Policy(**history.policy), Random(seed)).live(history)


@_many
@given(histories(), st.integers(0, 10_000))
def test_what_is_known_to_be_in_force_is_so_and_what_differs_can_be_ordered_once_more(
    history: RandomHistory, seed: int
) -> None:
    HarshWorld(Policy(**history.policy), Random(seed)).live(history)
