"""The rounds: all contenders of a trial one after the other, each round beginning with another."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from bench.trial import Contender, Figure, Trial

Tell = Callable[[str], object]


class Rounds:
    """What came of a trial so far: samples by label, and who failed and how."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.samples: dict[str, list[float]] = {}
        self.units: dict[str, str] = {}
        self.contenders: dict[str, Contender] = {}
        self.failed: dict[str, str] = {}

    def run(self, rounds: int, tell: Tell) -> None:
        """Runs them; one who fails sits out the rest, and the others go on."""
        contenders = list(self.trial.contenders)
        for n in range(self.trial.rounds or rounds):
            first = n % len(contenders)
            for contender in contenders[first:] + contenders[:first]:
                if contender.name not in self.failed:
                    self._one(contender, n, tell)

    def _one(self, contender: Contender, n: int, tell: Tell) -> None:
        try:
            figures = contender.run()
        except Exception as error:  # noqa: BLE001 - told in the report, and the others go on
            self.failed[contender.name] = f"{type(error).__name__}: {error}"
            tell(f"  {contender.name} failed:\n{traceback.format_exc()}")
            return
        for figure in figures:
            self._take(contender, figure)
        said = ", ".join(f"{f.label} {f.value:,.4g} {f.unit}" for f in figures)
        tell(f"  round {n + 1}: {said}")

    def _take(self, contender: Contender, figure: Figure) -> None:
        self.samples.setdefault(figure.label, []).append(figure.value)
        self.units[figure.label] = figure.unit
        self.contenders[figure.label] = contender


def document(rounds: Rounds) -> dict[str, Any]:
    """The trial as the results hold it."""
    from bench.results import judged, row

    trial = rounds.trial
    rows = [
        row(label, rounds.units[label], rounds.contenders[label], samples)
        for label, samples in rounds.samples.items()
    ]
    order = [contender.name for contender in trial.contenders]
    rows.sort(key=lambda row: order.index(row["contender"]))
    return {
        "scenario": trial.scenario,
        "database": trial.database,
        "title": trial.title,
        "rows": rows,
        "targets": [judged(target, rows) for target in trial.targets],
        "failed": [{"contender": name, "error": error} for name, error in rounds.failed.items()],
        "left_out": [{"contender": name, "why": why} for name, why in trial.left_out.items()],
        "notes": list(trial.notes),
        "floor": list(trial.floor),
    }
