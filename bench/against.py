"""Two trees in turn: this one and another commit's, each measured by its own bench, in one run."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import checkout, comparison
from bench.arguments import ROUNDS_AGAINST
from bench.comparison import NOW, THEN, Round
from bench.results import save
from bench.scenarios import COMPARED
from bench.tree import Tree, python_for

Document = dict[str, Any]
Measure = Callable[[str, str, float], Document]
"""One round of a tree (`now` or `then`) and a scenario, within so many seconds; its results.

It raises TimeoutError when the seconds are over.
"""

TIME_BOX_S = 30 * 60.0


class Turns:
    """The rounds of both trees, in turn, for as long as the time lasts."""

    def __init__(
        self, measure: Measure, *, until: float, moment: Callable[[], float] = time.monotonic
    ) -> None:
        self._measure, self._until, self._moment = measure, until, moment
        self._longest_s: dict[str, float] = {}
        self._broken: set[str] = set()
        self.rounds: list[Round] = []
        self.left_out: Counter[str] = Counter()

    def run(self, scenarios: Sequence[str], rounds: int) -> Iterator[Round]:
        """Yields each as it is done: all scenarios once, then all once more."""
        for n in range(rounds):
            for scenario in scenarios:
                if scenario in self._broken:
                    continue
                if self._moment() + self._longest_s.get(scenario, 0.0) >= self._until:
                    self.left_out[scenario] += 1
                    continue
                try:
                    one = self._one(scenario, n)
                except TimeoutError:
                    self.left_out[scenario] += 1
                else:
                    yield one

    def _one(self, scenario: str, n: int) -> Round:
        began = self._moment()
        # Neither always comes first.
        order = (NOW, THEN) if n % 2 == 0 else (THEN, NOW)
        results = {
            tree: self._measure(tree, scenario, self._until - self._moment()) for tree in order
        }
        one = Round(scenario, n, results)
        took_s = self._moment() - began
        self._longest_s[scenario] = max(took_s, self._longest_s.get(scenario, 0.0))
        # What one of them cannot measure takes no more of the time.
        if not all(any(t["rows"] for t in one.results[tree]["trials"]) for tree in order):
            self._broken.add(scenario)
        self.rounds.append(one)
        return one


def run(asked: argparse.Namespace, command: str) -> int:
    """Compares this tree with the commit asked for; 1 if anything failed or no row was compared."""
    until = time.monotonic() + TIME_BOX_S
    commit = checkout.commit(asked.against)
    assert commit is not None, "the arguments are refused without it"
    with tempfile.TemporaryDirectory(prefix="incidents-bench-against-") as name:
        place = Path(name)
        trees = _trees(commit, place)
        known = {tree: trees[tree].scenarios() for tree in trees}
        gone = [name for name in known[THEN] if name not in known[NOW]]
        scenarios, missing = in_both(asked.scenarios or [*COMPARED, *gone], known)
        rounds = asked.rounds or ROUNDS_AGAINST[asked.size]
        results: Document = {
            "version": 1,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": command,
            "size": asked.size,
            "rounds": rounds,
            NOW: checkout.state(),
            THEN: {"commit": commit},
            "missing": missing,
        }
        turns = Turns(
            lambda tree, scenario, within_s: trees[tree].measure(
                scenario, _options(asked), place, within_s
            ),
            until=until,
        )
        for each in trees.values():
            each.compile()
        for one in turns.run(scenarios, rounds):
            _tell(f"round {one.n + 1} of {rounds}: {one.scenario}")
            for tree in (NOW, THEN):
                results[tree]["machine"] = one.results[tree].get("machine")
            save(asked.json, results | comparison.joined(turns.rounds))
    results |= comparison.joined(turns.rounds) | {"left_out": dict(turns.left_out)}
    save(asked.json, results)
    print(comparison.text(results))
    return 1 if results["failed"] or not results["rows"] else 0


def in_both(
    wanted: Sequence[str], known: Mapping[str, Sequence[str]]
) -> tuple[list[str], dict[str, list[str]]]:
    """The wanted scenarios that both trees know, and what each of them lacks of the others."""
    both = [name for name in wanted if all(name in names for names in known.values())]
    missing = {tree: [name for name in wanted if name not in known[tree]] for tree in known}
    return both, missing


def _trees(commit: str, place: Path) -> dict[str, Tree]:
    """This tree, and that commit's below `place`."""
    root = place / "then"
    root.mkdir()
    checkout.unpack(commit, root)
    python, libraries = python_for(root, checkout.ROOT)
    _tell(f"then: {commit}, with {libraries}")
    return {
        NOW: Tree(root=checkout.ROOT, python=sys.executable),
        THEN: Tree(root=root, python=python),
    }


def _options(asked: argparse.Namespace) -> list[str]:
    """What each tree's bench is asked for beside a scenario."""
    options = ["--size", asked.size]
    if asked.db:
        options += ["--db", asked.db]
    if asked.folder:
        options += ["--folder", str(asked.folder.resolve())]
    return options


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
