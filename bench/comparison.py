"""The comparison: what two trees measured in the same rounds, joined row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from bench.table import number

Document = dict[str, Any]

NOW, THEN = "now", "then"
SLOWER = 0.95
"""A row of ours whose ratio is below this is marked."""


@dataclass(frozen=True, slots=True)
class Round:
    """One scenario in one round: the results of each tree."""

    scenario: str
    n: int
    results: Mapping[str, Document]


class Name(NamedTuple):
    """What a row is joined by."""

    scenario: str
    database: str
    title: str
    label: str
    unit: str


def ratio(now: float, then: float, unit: str) -> float | None:
    """Below 1 this tree is slower, or takes more; None if there is nothing to divide by."""
    if now <= 0 or then <= 0:
        return None
    return now / then if unit.endswith("/s") else then / now


def joined(rounds: Sequence[Round]) -> Document:
    """The rows of both trees with their ratios, the rows that only one has, and what failed."""
    found: dict[Name, dict[str, dict[int, float]]] = {}
    roles: dict[Name, str] = {}
    failed: dict[tuple[str, ...], Document] = {}
    for one in rounds:
        for tree in (NOW, THEN):
            for trial in one.results[tree]["trials"]:
                for row in trial["rows"]:
                    name = _name(trial, row)
                    # A scenario may have rounds of its own within one of ours.
                    sides = found.setdefault(name, {NOW: {}, THEN: {}})
                    sides[tree][one.n] = median(row["samples"])
                    roles.setdefault(name, row["role"])
                for problem in trial["failed"]:
                    told = {"tree": tree, **_where(trial), **problem}
                    failed[tuple(map(str, told.values()))] = told
    both = {name: sides for name, sides in found.items() if sides[NOW] and sides[THEN]}
    alone = {name: sides for name, sides in found.items() if name not in both}
    return {
        "rows": [_row(name, roles[name], sides) for name, sides in both.items()],
        "only_now": [name._asdict() for name, sides in alone.items() if sides[NOW]],
        "only_then": [name._asdict() for name, sides in alone.items() if sides[THEN]],
        "failed": list(failed.values()),
    }


def text(results: Document) -> str:
    """The comparison for a terminal."""
    rows = results["rows"]
    lines = [f"{tree}: {_commit(results[tree])}" for tree in (THEN, NOW)]
    width = max((len(row["label"]) for row in rows), default=0)
    last = None
    for row in rows:
        if (where := _heading(row)) != last:
            lines += ["", where]
            last = where
        lines.append(_line(row, width))
    slower = [row for row in rows if row["slower"]]
    lines += ["", f"{len(rows)} rows, {len(slower)} of ours below {SLOWER:.2f}"]
    lines += [f"  {_heading(row)} · {row['label']}: {_ratio(row['ratio'])}" for row in slower]
    lines += [f"  only now: {_heading(row)} · {row['label']}" for row in results["only_now"]]
    lines += [f"  only then: {_heading(row)} · {row['label']}" for row in results["only_then"]]
    lines += [
        f"  FAILED {one['tree']}: {_heading(one)} · {one['contender']}: {one['error']}"
        for one in results["failed"]
    ]
    lines += [
        f"  left out: {scenario}, which {tree} does not have"
        for tree, scenarios in results["missing"].items()
        for scenario in scenarios
    ]
    lines += [
        f"  left out: {count} of {results['rounds']} rounds of {scenario}, for lack of time"
        for scenario, count in results["left_out"].items()
    ]
    return "\n".join(lines)


def _commit(tree: Document) -> str:
    more = " and changes that are not committed" if tree.get("dirty") else ""
    return f"{tree['commit']}{more}"


def _name(trial: Document, row: Document) -> Name:
    return Name(**_where(trial), label=row["label"], unit=row["unit"])


def _where(trial: Document) -> Document:
    return {key: trial[key] for key in ("scenario", "database", "title")}


def _row(name: Name, role: str, sides: Mapping[str, Mapping[int, float]]) -> Document:
    # Side by side in time: what burdened the machine in a round burdened both.
    pairs = [(value, sides[THEN][n]) for n, value in sides[NOW].items() if n in sides[THEN]]
    ratios = [found for pair in pairs if (found := ratio(*pair, name.unit)) is not None]
    spread = _spread(ratios) if ratios else None
    return {
        **name._asdict(),
        "role": role,
        **{tree: _spread(list(sides[tree].values())) for tree in (THEN, NOW)},
        "ratio": spread,
        "slower": role == "ours" and spread is not None and spread["median"] < SLOWER,
    }


def _spread(samples: Sequence[float]) -> Document:
    return {
        "median": median(samples), "min": min(samples), "max": max(samples),
        "samples": list(samples),
    }  # fmt: skip


def _heading(row: Document) -> str:
    return " · ".join(filter(None, (row["scenario"], row["database"], row["title"])))


def _line(row: Document, width: int) -> str:
    then, now = (number(row[tree]["median"]) for tree in (THEN, NOW))
    mark = "  SLOWER" if row["slower"] else ""
    return (
        f"  {row['role']:<5}  {row['label']:<{width}}  {then:>10} then  {now:>10} now  "
        f"{row['unit']:<11}  {_ratio(row['ratio'])}{mark}"
    )


def _ratio(spread: Document | None) -> str:
    if spread is None:
        return "no ratio"
    return (
        f"{spread['median']:.2f} ({spread['min']:.2f} … {spread['max']:.2f}, "
        f"rounds: {len(spread['samples'])})"
    )
