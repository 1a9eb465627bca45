"""The results: medians with their spread, and targets met or missed, as plain documents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.trial import FASTEST_PEER, Contender, Target

Document = dict[str, Any]

MET, MISSED, NOT_MEASURED = "met", "missed", "not measured"


def row(label: str, unit: str, contender: Contender, samples: Sequence[float]) -> Document:
    """One line of a trial's table."""
    return {
        "label": label,
        "contender": contender.name,
        "role": contender.role,
        "how": contender.how,
        "unit": unit,
        "median": median(samples),
        "min": min(samples),
        "max": max(samples),
        "samples": list(samples),
    }


def save(file: Path | None, results: Document) -> None:
    """Writes them in one step, again and again: an interrupted run leaves what it has."""
    if file is None:
        return
    whole = file.with_name(f"{file.name}.part")
    whole.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    whole.replace(file)


def judged(target: Target, rows: Sequence[Document]) -> Document:
    """A target with its figure: the median over the rounds, of each round's own ratio."""
    by_label = {row["label"]: row for row in rows}
    of = by_label.get(target.of)
    against = _against(target, rows, by_label)
    document = {
        "of": target.of,
        "against": None if target.against is None else target.against,
        "peer": against["label"] if against and target.against == FASTEST_PEER else None,
        "at_least": target.at_least,
        "at_most": target.at_most,
        "unit": None if of is None or target.against is not None else of["unit"],
        "median": None,
        "min": None,
        "max": None,
        "verdict": NOT_MEASURED,
    }
    if of is None or (target.against is not None and against is None):
        return document
    values = of["samples"] if against is None else _ratios(of, against)
    figure = median(values)
    met = (target.at_least is None or figure >= target.at_least) and (
        target.at_most is None or figure <= target.at_most
    )
    return document | {
        "median": figure, "min": min(values), "max": max(values),
        "verdict": MET if met else MISSED,
    }  # fmt: skip


def _against(target: Target, rows: Sequence[Document], by_label: Document) -> Document | None:
    if target.against == FASTEST_PEER:
        peers = [row for row in rows if row["role"] == "peer"]
        return max(peers, key=lambda row: float(row["median"]), default=None)
    found: Document | None = by_label.get(target.against or "")
    return found


def _ratios(of: Document, against: Document) -> list[float]:
    # Side by side in time: what burdened the machine in a round burdened both.
    pairs = zip(of["samples"], against["samples"], strict=False)
    return [one / other for one, other in pairs]
