"""The playing of a random history: each step is done in all worlds, and all must come to the same.

The machine and the naive model show the same site after each command, and each desk answers as the
machine does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from incidents.machine import commands as c
from incidents.machine.case import Case
from incidents.machine.policy import Policy
from tests.fire.step_history import ELAPSE, SITES, TownHistory, TownStep, command
from tests.fire.step_worlds import Asked, DeskWorld, Expected, Machine, differences
from tests.machine.random_histories import ACTIVATE, POLICIES, START, Numbers
from tests.model import naive, spoken


class Play:
    """A history on its way through the worlds."""

    def __init__(self, history: TownHistory, desks: Sequence[DeskWorld] = ()) -> None:
        self.now = START
        self.asked: list[Asked | tuple[datetime, Numbers]] = []
        self.figures: Counter[str] = Counter()
        self._history = history
        self._desks = desks
        self._numbers = history.policy
        self._machine = Machine(Policy(**history.policy), documents=bool(desks))
        self._model = naive.NaiveDesk(naive.Policy(**history.policy))

    def run(self) -> Counter[str]:
        """Play all of it; AssertionError says what is not the same in two worlds."""
        adding = [TownStep(wait=START - START, act="add", site=n) for n in range(len(SITES) - 1)]
        for batch in [adding, *self._history.batches()]:
            self.now += batch[0].wait
            if batch[0].act == ELAPSE:
                self._elapse(batch[0])
            elif batch[0].act == ACTIVATE:
                self._activate(POLICIES[batch[0].policy])
            else:
                self._take(batch)
            self.figures["steps"] += len(batch)
        self._machine.judge()
        for events in self._machine.events.values():
            self.figures.update(event.kind for event in events)
        for desk in self._desks:
            desk.judge()
            self.figures["replays"] += 1
        return self.figures

    def case(self, site: str) -> Case:
        """The site's present case."""
        return self._machine.case(site)

    def _take(self, batch: list[TownStep]) -> None:
        given, expected = [], []
        for step in batch:
            asked = self._asked(step)
            self.asked.append(asked)
            wanted = self._machine.take(asked)
            self._tell_model(asked, wanted)
            self._compare(asked.site)
            given.append(asked)
            expected.append(wanted)
            self.figures["refused"] += wanted.refusal is not None
            self.figures["repeated"] += wanted.repeated
        self._machine.commit()
        for desk in self._desks:
            desk.take(given, expected, rehearse=batch[0].back == 1)

    def _asked(self, step: TownStep) -> Asked:
        site = SITES[step.site]
        key = None if step.key is None else f"key-{step.key}"
        used = None if key is None else self._machine.used.get(key)
        if used is not None and step.same:
            return replace(used, now=self.now)
        asked = command(step, self._machine.case(site), self.now)
        by_id = step.by_id and site in self._machine.cases
        return Asked(now=self.now, site=site, command=asked, key=key, by_id=by_id)

    def _tell_model(self, asked: Asked, wanted: Expected) -> None:
        """The model knows no keys and no claims: such a command only does what is due before it."""
        if wanted.repeated:
            return
        known = spoken.counted(asked.command, self._machine.cases.get(asked.site))
        if known is not None and wanted.refusal != "key_reused":
            said = spoken.apply(self._model, asked.site, known, self.now)
            assert said == wanted.refusal, (
                f"the model says {said} to {asked.command} on {asked.site} at {self.now}, and the"
                f" machine {wanted.refusal}"
            )
            return
        spoken.apply(self._model, asked.site, c.Elapse(), self.now)
        if wanted.acted:
            self._model.note(asked.site, self.now, asked.command.by)

    def _compare(self, site: str) -> None:
        if site not in self._machine.cases:
            return
        case = self._machine.cases[site]
        of_model = spoken.of_model(self._model, site)
        of_case = spoken.of_case(case, self._machine.policy)
        if of_model != of_case:
            differs = "; ".join(differences(of_model, of_case))
            raise AssertionError(f"{site} at {self.now}, model and machine: {differs}")

    def _elapse(self, step: TownStep) -> None:
        self.asked.append(Asked(now=self.now, site="", command=c.Elapse()))
        events = self._machine.elapse(self.now)
        self._model.elapse(self.now)
        for site in self._machine.cases:
            self._compare(site)
        for desk in self._desks:
            desk.elapse(self.now, events, limit=1 if step.by_id else 500)

    def _activate(self, numbers: Numbers) -> None:
        if Policy(**numbers) == self._machine.policy:
            return
        self.asked.append((self.now, numbers))
        self._machine.elapse(self.now)
        self._machine.policy = Policy(**numbers)
        self._model.activate(naive.Policy(**numbers), self.now)
        for site in self._machine.cases:
            self._compare(site)
        for desk in self._desks:
            desk.activate(numbers, self.now)
        self.figures["activations"] += 1
