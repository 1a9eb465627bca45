"""The search of all interleavings of an operator and two daemons on one site, with crashes.

The decisions are the machine's own; what is modelled is the transaction around them, step by step
in the order of a `Design`. From each state every process may take its next step, time may pass, and
every process may crash. All states that can be reached are visited, breadth first.

A crash drops what is not committed. If the commit was on its way, the database may still take it
after the client is gone: that transaction is then an orphan, which commits or fails by itself. A
daemon begins anew; an operator repeats an act that has a key, and goes on after one that has none.
"""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from incidents.machine import commands as c
from incidents.machine.rules import deadlines
from tests.fire import interleaving_design as d
from tests.fire.interleaving_programs import HAIR, PASTS, Act, Program, drawn
from tests.fire.interleaving_record import Record, Written, beginning
from tests.fire.interleaving_state import ASLEEP, State, Transaction, locked

DAEMON = None
"""The number that a daemon's transaction has in place of an act's."""


ENOUGH = 150_000
"""The states in a chunk, whose last program is searched to its end."""
MOST = 400_000
"""A program with more states than this is given up, for the sake of the memory."""


class Found(NamedTuple):
    """The result of a search."""

    states: int
    transitions: int
    records: int
    final: int


Next = tuple[str, State]
"""An event, and the state that it leads to."""


class Search:
    """The search of one program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.design = program.design
        self._slow = (timedelta(0), program.slow)
        self._steps: dict[str, Callable[[State, int | None, Transaction], Transaction | None]] = {
            d.BEGIN: self._begin, d.PEEK: self._choose, d.LOCK: self._lock,
            d.LOCK_DUE: self._lock_due, d.LOCK_FREE: self._lock_free, d.CHOOSE: self._choose,
            d.CLOCK: self._clock, d.KEYS: self._keys, d.READ: self._read, d.WRITE: self._write,
        }  # fmt: skip

    def run(self, most: int | None = None) -> Found | None:
        """Visit all states; AssertionError shows the way to one in which something is not true.

        None if there are more than `most`: a search that is not finished proves nothing.
        """
        record, now = beginning(self.program.policy, PASTS[self.program.past])
        first = State(now, record, 0, ASLEEP, (ASLEEP, ASLEEP), None, ())
        numbers = {first: 0}
        came: list[tuple[str, int]] = [("the beginning", 0)]
        before: list[array[int]] = [array("l")]
        final: list[int] = []
        records: set[Record] = set()
        waiting = deque([first])
        while waiting:
            if len(came) > (most or MOST):
                return None
            state = waiting.popleft()
            number = numbers[state]
            records.add(state.record)
            try:
                if self._is_final(state):
                    state.record.judge_as_final(state.now)
                    final.append(number)
                for what, after in self._following(state):
                    found = numbers.setdefault(after, len(came))
                    if found == len(came):
                        came.append((what, number))
                        before.append(array("l"))
                        waiting.append(after)
                    before[found].append(number)
            except AssertionError as broken:
                raise AssertionError(self._told(str(broken), came, number)) from broken
        stuck = set(range(len(came))) - _reaching(final, before)
        if stuck:
            raise AssertionError(self._told("no end can be reached", came, min(stuck)))
        return Found(len(came), sum(map(len, before)), len(records), len(final))

    # Possible next states.

    def _following(self, state: State) -> Iterator[Next]:
        yield from self._operator(state)
        for which in range(len(state.daemons)):
            yield from self._daemon(state, which)
        if state.orphan is not None:
            number, orphan = state.orphan
            there = state._replace(orphan=None)
            yield "the orphan fails", there
            yield "the orphan commits", self._committed(there, number, orphan)
        instant = self._next_instant(state)
        if instant is not None:
            yield f"it is {instant.isoformat()}", state._replace(now=instant)

    def _operator(self, state: State) -> Iterator[Next]:
        if state.act == len(self.program.acts):
            return
        number, t = state.act, state.operator
        step = self.design.operator[t.step]
        what = f"operator, {self.program.acts[number].name}: {step}"
        if step == d.COMMIT:
            done = self._committed(state, number, t)
            yield what, done._replace(operator=t._replace(step=t.step + 1, locked_at=None))
        elif step == d.ACKNOWLEDGE:
            yield what, self._acknowledged(state, number, t)
        else:
            after = self._steps[step](state, number, t)
            if after is not None:
                yield what, state._replace(operator=after)
        if t != ASLEEP:
            yield from self._operator_crashes(state, number, t)

    def _operator_crashes(self, state: State, number: int, t: Transaction) -> Iterator[Next]:
        again = number if self.program.acts[number].keyed else number + 1
        crashed = state._replace(act=again, operator=ASLEEP)
        yield "the operator's process dies", crashed
        if self.design.operator[t.step] == d.COMMIT and state.orphan is None:
            yield "the operator's process dies, committing", crashed._replace(orphan=(number, t))

    def _daemon(self, state: State, which: int) -> Iterator[Next]:
        t = state.daemons[which]
        step = self.design.daemon[t.step]
        what = f"daemon {which + 1}: {step}"
        asleep = self._with_daemon(state, which, ASLEEP)
        if step == d.COMMIT:
            yield what, self._committed(asleep, DAEMON, t)
            if state.orphan is None:
                yield f"daemon {which + 1} dies, committing", asleep._replace(orphan=(DAEMON, t))
        else:
            seen = state._replace(now=state.now - self._slow[which])
            after = self._steps[step](seen, DAEMON, t)
            if after is not None:
                yield what, self._with_daemon(state, which, after)
        if t != ASLEEP:
            yield f"daemon {which + 1} dies", asleep

    # The steps. Each gives the transaction after it, ASLEEP if it is over, None if it must wait.

    def _begin(self, _state: State, _number: int | None, t: Transaction) -> Transaction:
        return t._replace(step=t.step + 1)

    def _lock(self, state: State, _number: int | None, t: Transaction) -> Transaction | None:
        return None if locked(state) else t._replace(step=t.step + 1, locked_at=state.now)

    def _lock_due(self, state: State, _number: int | None, t: Transaction) -> Transaction:
        if locked(state) or not _due(state):
            return ASLEEP
        return t._replace(step=t.step + 1, locked_at=state.now)

    def _lock_free(self, state: State, _number: int | None, t: Transaction) -> Transaction:
        return ASLEEP if locked(state) else t._replace(step=t.step + 1, locked_at=state.now)

    def _choose(self, state: State, _number: int | None, t: Transaction) -> Transaction:
        return t._replace(step=t.step + 1) if _due(state) else ASLEEP

    def _clock(self, state: State, _number: int | None, t: Transaction) -> Transaction:
        return t._replace(step=t.step + 1, now=state.now)

    def _keys(self, state: State, number: int | None, t: Transaction) -> Transaction:
        kept = next((kept for kept in state.record.kept if kept[0] == number), None)
        return t._replace(step=t.step + 1, kept=kept)

    def _read(self, state: State, _number: int | None, t: Transaction) -> Transaction:
        return t._replace(step=t.step + 1, read=state.record)

    def _write(self, _state: State, number: int | None, t: Transaction) -> Transaction:
        assert t.read is not None
        assert t.now is not None
        if t.kept is not None:
            return t._replace(step=t.step + 1)  # done before: nothing is written
        command = c.Elapse() if number is None else self._act(number).command(t.read.case, t.now)
        return t._replace(step=t.step + 1, written=t.read.decide(number, command, t.now))

    def _committed(self, state: State, number: int | None, t: Transaction) -> State:
        """The state when the transaction's writes are there."""
        if t.written is None:
            return state
        assert t.read is not None
        if t.locked_at is not None:
            _judge_times(t.written, t.locked_at)
        keyed = number is not None and self._act(number).keyed and self.design.keeps_key
        record = state.record.after(
            t.read, t.written, keyed=keyed, saves_due=self.design.saves_next_due
        )
        return state._replace(record=record)

    def _acknowledged(self, state: State, number: int, t: Transaction) -> State:
        if t.kept is not None:
            answer = t.kept[1]
        else:
            assert t.written is not None
            answer = t.written.refusal
        told = (*state.told, (number, answer))
        for act, said in told:
            assert said in state.record.answers_to(act), (
                f"act {act + 1} was acknowledged as {said or 'done'}, and is lost"
            )
        return state._replace(act=number + 1, operator=ASLEEP, told=told)

    def _with_daemon(self, state: State, which: int, t: Transaction) -> State:
        daemons = [t if n == which else daemon for n, daemon in enumerate(state.daemons)]
        if not self.program.slow:
            # Two daemons with one clock are alike: who is called the first does not matter.
            daemons.sort(key=lambda daemon: (daemon.step, hash(daemon)))
        return state._replace(daemons=tuple(daemons))

    def _act(self, number: int) -> Act:
        return self.program.acts[number]

    # Time, and the end.

    def _next_instant(self, state: State) -> datetime | None:
        """The next chosen instant: just before something is due, when it is, and just after.

        A clock that is behind sees each of them too, so much later.
        """
        instants = (
            due + off + slow
            for due, *_ in deadlines.pending(state.record.case)
            for off in (-HAIR, timedelta(0), HAIR)
            for slow in set(self._slow)
        )
        return min((instant for instant in instants if instant > state.now), default=None)

    def _is_final(self, state: State) -> bool:
        """Whether all is done that anybody would do: the acts are, and no daemon finds work."""
        return (
            state.act == len(self.program.acts)
            and state.orphan is None
            and all(daemon == ASLEEP for daemon in state.daemons)
            and self._next_instant(state) is None
            and not _due(state)
        )

    def _told(self, what: str, came: list[tuple[str, int]], number: int) -> str:
        """The failure, and the shortest way to it."""
        way: list[str] = []
        while number:
            step, number = came[number]
            way.append(step)
        return "\n".join([what, f"in {self.program}", *reversed(way)])


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Searches programs of two or three acts that the seed draws, until enough is seen."""
    random = Random(seed)
    figures: Counter[str] = Counter()
    while figures["states"] < ENOUGH:
        found = Search(drawn(random, acts=random.choice((2, 2, 2, 3)))).run()
        if found is None:
            figures["programs given up"] += 1
        else:
            figures["programs"] += 1
            figures.update(found._asdict())
    return figures


def _due(state: State) -> bool:
    """Whether the site's row says that something is due."""
    return state.record.next_due is not None and state.record.next_due < state.now


def _judge_times(written: Written, locked_at: datetime) -> None:
    """Check that an act's recorded time is one at which its transaction held the site."""
    for event in written.events:
        assert event.recorded_at >= locked_at, (
            f"{event.kind} is recorded at {event.recorded_at}; the site was held from {locked_at}"
        )


def _reaching(ends: list[int], before: list[array[int]]) -> set[int]:
    """All states from which one of the ends can be reached."""
    found = set(ends)
    waiting = list(ends)
    while waiting:
        for state in before[waiting.pop()]:
            if state not in found:
                found.add(state)
                waiting.append(state)
    return found
