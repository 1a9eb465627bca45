"""The archive of one site: its whole history in memory, and the part that a decision needs.

`store.cases.slices` defines the part that a decision needs. The archive keeps the history sorted,
so that a decision takes as long after a hundred incidents as after a hundred thousand.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from heapq import heappop, heappush

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.apply import apply
from incidents.machine.case import Case, Claim, Delivery, Suspension, Task
from incidents.machine.commands import Command
from incidents.machine.incident import Incident
from incidents.machine.policy import Policy
from incidents.machine.rules import repeat_rule
from incidents.store.cases import slices
from incidents.store.cases.slices import LAST, Need, Place
from incidents.values.ids import ACT
from incidents.values.incident_states import GONE, UNTOLD

_NUMBER_AFTER_ALL = 1 << 62


class Archive:
    """The history of a site so far; the archive changes the `case` that it is given."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self._members: dict[int, list[int]] = defaultdict(list)
        self._tasks_of: dict[int, set[int]] = defaultdict(set)
        self._open: dict[int, Task] = {}
        self._waiting: set[int] = set()
        self._unsettled: set[int] = set()
        self._forget()
        for incident in case.incidents.values():
            self._put_incident(None, incident)
        for suspension in case.suspensions.values():
            self._put_suspension(suspension)
        for task in case.tasks.values():
            self._put_task(task)

    def take(self, events: Iterable[e.Event]) -> None:
        """Apply the events to the case."""
        case = self.case
        for event in events:
            n = getattr(event, "incident", None)
            was = None if n is None else case.incidents.get(n)
            apply(case, event)
            if n is not None:
                self._put_incident(was, case.incidents[n])
            if isinstance(event, e.TaskOpened | e.TaskCompleted):
                self._put_task(case.tasks[event.task])
            elif isinstance(event, _CHANGES_A_CASE) and event.suspension is not None:
                self._put_suspension(case.suspensions[event.suspension])
            elif isinstance(event, e.SiteReinstated):
                self._forget()

    def part(self, command: Command, policy: Policy, now: datetime) -> Case:
        """The part of the case needed to decide `command` and anything due before `now` (UTC)."""
        case, need = self.case, slices.need([command], now)
        due = self._due_before(now)
        named = self._named(need)
        suspensions = self._suspensions(named)
        ending = suspensions | self._ending(now)
        incidents = named | due | {n for each in ending for n in self._members[each]}
        tasks = self._tasks(command, need)
        incidents.update(n for task in tasks for n in task.incidents)
        incidents.update(self._near(need, policy))
        incidents |= self._looked_at(command)
        since = self._since(due, incidents)
        total = policy.run == "total" or (case.closure is not None and case.closure.total)
        suspensions |= self._standing_after(None if total else since)
        if case.running is not None:
            suspensions.add(case.running)
        return replace(
            case,
            incidents={n: case.incidents[n] for n in sorted(incidents) if n in case.incidents},
            suspensions={n: case.suspensions[n] for n in sorted(suspensions)},
            tasks={task.n: task for task in sorted(tasks, key=lambda task: task.n)},
            claims=self._claims(command),
            deliveries=self._deliveries(need),
        )

    def next_due(self) -> datetime | None:
        """The earliest time (UTC) after which the clock must act."""
        while self._deadlines and not self._runs(*self._deadlines[0]):
            heappop(self._deadlines)
        running = None if self.case.closed else self.case.suspension
        times = [due for due, _ in self._deadlines[:1]]
        if running is not None and running.until is not None:
            times.append(running.until)
        return min(times, default=None)

    # What is kept in order.

    def _forget(self) -> None:
        """Forget the counted incidents and running clocks: a reinstatement begins a new epoch."""
        self._countable: list[Place] = []
        self._reached: list[Place] = []
        self._standing: list[tuple[datetime, int, int]] = []
        self._deadlines: list[tuple[datetime, int]] = []

    def _put_incident(self, was: Incident | None, now: Incident) -> None:
        if was is now:
            return
        _move(self._countable, self._time(was), self._time(now))
        _move(self._reached, self._reached_at(was), self._reached_at(now))
        due = self._deadline(now)
        if due is not None and (was is None or due != self._deadline(was)):
            heappush(self._deadlines, (due, now.n))
        if now.suspension is not None and (was is None or was.suspension is None):
            self._members[now.suspension].append(now.n)
        _keep(self._waiting, now.n, now.state in UNTOLD)
        _keep(self._unsettled, now.n, now.state not in GONE)

    def _put_suspension(self, now: Suspension) -> None:
        place = (*now.place, now.n)
        at = bisect_left(self._standing, place)
        there = self._standing[at : at + 1] == [place]
        stands = now.epoch == self.case.epoch and not now.struck
        if stands and not there:
            self._standing.insert(at, place)
        elif there and not stands:
            del self._standing[at]

    def _put_task(self, task: Task) -> None:
        open_ = task.done_at is None
        if open_:
            self._open[task.n] = task
        else:
            self._open.pop(task.n, None)
        for n in task.incidents:
            _keep(self._tasks_of[n], task.n, open_)

    def _time(self, incident: Incident | None) -> Place | None:
        if incident is None or not repeat_rule.counts(self.case, incident):
            return None
        return incident.occurred_at, incident.n

    def _reached_at(self, incident: Incident | None) -> Place | None:
        if incident is None or not incident.reached_in_time or incident.state == "voided":
            return None
        return incident.place if incident.epoch == self.case.epoch else None

    def _deadline(self, incident: Incident) -> datetime | None:
        if self.case.clock_runs(incident):
            return incident.contact_due
        return incident.removal_due if self.case.removal_runs(incident) else None

    # What is looked up.

    def _runs(self, due: datetime, n: int) -> bool:
        return self._deadline(self.case.incidents[n]) == due

    def _due_before(self, now: datetime) -> set[int]:
        """The incidents whose clocks ended before `now`; each is returned once, then processed."""
        found = set()
        while self._deadlines and self._deadlines[0][0] < now:
            due, n = heappop(self._deadlines)
            if self._runs(due, n):
                found.add(n)
        return found

    def _named(self, need: Need) -> set[int]:
        found = {n for n in need.targets if n in self.case.incidents}
        request = self.case.closure_request
        if request is not None and request.incident is not None:
            found.add(request.incident)
        if need.tells_all:
            found |= self._waiting
        if need.approves:
            found |= self._unsettled
        return found

    def _looked_at(self, command: Command) -> set[int]:
        """The incidents that a decision only reads: counted by the closure, or claimed."""
        found = set() if self.case.closure is None else set(self.case.closure.incidents)
        if isinstance(command, c.ClaimItem) and command.item.isdecimal():
            found.add(int(command.item))
        return found

    def _suspensions(self, named: set[int]) -> set[int]:
        """The suspensions of the named incidents, and the suspension that closed the site."""
        case = self.case
        found = {case.incidents[n].suspension for n in named}
        if case.closure is not None:
            found.add(case.closure.suspension)
        return {n for n in found if n is not None}

    def _ending(self, now: datetime) -> set[int]:
        running = self.case.suspension
        if running is None or running.until is None or running.until >= now:
            return set()
        return {running.n}

    def _tasks(self, command: Command, need: Need) -> list[Task]:
        """The open tasks that the command can complete.

        A task that lists none of the named incidents stays open, because one of its incidents stays
        unsettled.
        """
        if need.approves or need.filing:
            return [replace(task, incidents=()) for task in self._open.values()]
        named: set[int] = set()
        if isinstance(command, c.CompleteTask):
            named.add(command.task)
        if isinstance(command, c.ClaimItem):
            named |= {n for n in self._open if command.item == f"t{n}"}
        if isinstance(command, c.StateRemoved | c.VoidIncident):
            named |= self._tasks_of[command.incident]
        return [self._open[n] for n in named if n in self._open]

    def _claims(self, command: Command) -> dict[str, Claim]:
        if isinstance(command, c.HandOver):
            return self.case.claims
        held = self.case.claims.get(getattr(command, "item", ""))
        return {} if held is None else {command.item: held}  # type: ignore[attr-defined]  # it has

    def _deliveries(self, need: Need) -> dict[tuple[int, str], Delivery]:
        unsettled = self.case.deliveries
        found = {named: unsettled[named] for named in need.orders if named in unsettled}
        if need.all_orders:
            keys = {key for key, each in unsettled.items() if each.lane == ACT or each.braked}
            found |= {key: unsettled[key] for key in keys}
        return found

    def _near(self, need: Need, policy: Policy) -> Iterator[int]:
        """The neighbouring incidents that a time window of rule R1 can contain."""
        most = slices.neighbours(self.case, need, policy.repeat_count)
        for moment in slices.moments(self.case, need):
            here = bisect_right(self._countable, (moment, _NUMBER_AFTER_ALL))
            for _, n in self._countable[max(0, here - most) : here + most]:
                yield n

    def _since(self, due: set[int], incidents: set[int]) -> Place | None:
        """The place after which the history that rule R3 needs begins; None for all of the history.

        The two incidents before each place are added to `incidents`, because the command can remove
        one.
        """
        closure = self.case.closure
        lapsing = [self.case.incidents[n] for n in due]
        places = [LAST, *(each.place for each in lapsing if self.case.clock_runs(each))]
        if closure is not None and closure.suspension is not None:
            places.append(self.case.suspensions[closure.suspension].place)
        begins: list[Place | None] = []
        for place in places:
            here = bisect_left(self._reached, place)
            before = self._reached[max(0, here - 2) : here]
            incidents.update(n for _, n in [*before, *self._reached[here : here + 1]])
            begins.append(before[0] if len(before) == 2 else None)
        return None if None in begins else min(begin for begin in begins if begin is not None)

    def _standing_after(self, since: Place | None) -> set[int]:
        first = 0 if since is None else bisect_right(self._standing, (*since, _NUMBER_AFTER_ALL))
        return {n for _, _, n in self._standing[first:]}


_CHANGES_A_CASE = (e.SiteSuspended, e.SuspensionStruck, e.SuspensionRestored, e.SiteClosed)


def _move(places: list[Place], was: Place | None, now: Place | None) -> None:
    if was == now:
        return
    if was is not None:
        del places[bisect_left(places, was)]
    if now is not None:
        insort(places, now)


def _keep(numbers: set[int], n: int, kept: bool) -> None:
    if kept:
        numbers.add(n)
    else:
        numbers.discard(n)
