"""Which pictures the page has: the targets, the fired clocks, idle looks, a daemon's memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from bench.picture import Curve, Mark, bars, distances, lines

Document = dict[str, Any]

TARGETS = "targets"
_MOST_LETTERS = 32
_NUMBER = re.compile(r"[\d,]+")


def drawn(results: Document) -> dict[str, str]:
    """The pictures by their files' names; one whose figures are missing is left out."""
    by_name: dict[str, Callable[[Document], str | None]] = {
        TARGETS: _targets, "fire": _fire, "idle": _idle, "memory": _memory,
    }  # fmt: skip
    found = {file_of(name): draw(results) for name, draw in by_name.items()}
    return {name: svg for name, svg in found.items() if svg is not None}


def file_of(name: str) -> str:
    """The file of the picture of that name."""
    return f"speed-{name}.svg"


def _targets(results: Document) -> str | None:
    judged = [(trial, target) for trial in results["trials"] for target in trial["targets"]]
    same = Counter((trial["scenario"], trial["database"], t["of"]) for trial, t in judged)
    marks = [
        mark
        for trial, target in judged
        if (
            mark := _distance(
                trial, target,
                alone=same[trial["scenario"], trial["database"], target["of"]] == 1,
            )
        ) is not None
    ]  # fmt: skip
    if not marks:
        return None
    return distances(
        "How far each target is met",
        "the figure in units of its target: at 1 it is met exactly, to the right it is exceeded",
        marks,
    )


def _distance(trial: Document, target: Document, *, alone: bool) -> Mark | None:
    values = [target[name] for name in ("median", "min", "max")]
    if None in values or min(values) <= 0:
        return None
    bound = target["at_least"]
    if bound:
        near = [value / bound for value in values]
    elif target["at_most"]:
        near = [target["at_most"] / value for value in values]
    else:
        return None
    return Mark(
        f"{trial['scenario']}, {_short(trial['database'])}: {_what(trial, target, alone=alone)}",
        str(target["verdict"]), near[0], min(near), max(near),
    )  # fmt: skip


def _fire(results: Document) -> str | None:
    trials = list(_of(results, "fire"))
    same = Counter((trial["database"], row["label"]) for trial in trials for row in trial["rows"])
    marks = [
        Mark(
            _short(trial["database"])
            # Few clocks and many, by the same contenders.
            + (f", {_first_number(trial['title']):,.0f}" if max(same.values()) > 1 else "")
            + f": {row['label']}",
            row["role"], row["median"], row["min"], row["max"],
        )
        for trial in trials
        for row in trial["rows"]
    ]  # fmt: skip
    if not marks:
        return None
    return bars("Firing clocks that are due at one moment", "clocks a second", marks)


def _idle(results: Document) -> str | None:
    curves: dict[str, Curve] = {}
    for trial in _of(results, "idle"):
        for row in trial["rows"]:
            what, _, pending = row["label"].rpartition(", ")
            name = f"{_short(trial['database'])} {what}"
            curve = curves.setdefault(name, Curve(_idle_colour(row), []))
            curve.points.append((_first_number(pending), row["median"]))
    if not curves:
        return None
    return lines(
        "Looking when nothing is due",
        "milliseconds, by how much is pending; both scales are of powers",
        curves,
        powers=True,
    )


def _idle_colour(row: Document) -> str:
    if row["role"] == "peer":
        return "peer"
    return "ours" if row["label"].startswith("look") else "floor"


def _memory(results: Document) -> str | None:
    curves: dict[str, Curve] = {}
    for trial in _of(results, "memory"):
        points = [
            (_first_number(row["label"]), float(row["median"]))
            for row in trial["rows"]
            if row["label"].startswith("after ")
        ]
        if points:
            curves[_short(trial["database"])] = Curve("ours", points)
    if not curves:
        return None
    return lines("A daemon's memory", "MiB, by decisions made", curves, powers=False)


def _of(results: Document, scenario: str) -> Iterator[Document]:
    return (trial for trial in results["trials"] if trial["scenario"] == scenario)


def _first_number(text: str) -> float:
    found = _NUMBER.search(text)
    assert found is not None
    return float(found[0].replace(",", ""))


def _short(database: str) -> str:
    return {"postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(database, database)


def _what(trial: Document, target: Document, *, alone: bool) -> str:
    """What a target is of; where others of the scenario are of the same, the trial's title too."""
    text = target["of"]
    if text == "the desk":
        text = trial["title"]
    elif not alone:
        text = f"{text}, {trial['title']}"
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
