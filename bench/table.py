"""The table: a trial's results as text for a terminal."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]


def text(trial: Document) -> str:
    """One trial."""
    lines = [f"{trial['scenario']} · {trial['database']} · {trial['title']}"]
    if trial["rows"]:
        width = max(len(row["label"]) for row in trial["rows"])
        lines += [
            f"  {row['role']:<5}  {row['label']:<{width}}  {number(row['median']):>10} "
            f"{row['unit']:<12}  ({number(row['min'])} … {number(row['max'])}, "
            f"{len(row['samples'])} rounds)"
            for row in trial["rows"]
        ]
    lines += [f"  target  {sentence(target)}" for target in trial["targets"]]
    lines += [
        f"  FAILED  {one['contender']}: {first_line(one['error'])}" for one in trial["failed"]
    ]
    lines += [f"  left out  {one['contender']}: {one['why']}" for one in trial["left_out"]]
    lines += [f"  note    {note}" for note in trial["notes"]]
    return "\n".join(lines) + "\n"


def sentence(target: Document) -> str:
    """A target and what came of it."""
    of = target["of"] if target["against"] is None else f"{target['of']} / {_against(target)}"
    if target["median"] is None:
        return f"{of} {wanted(target)}: {target['verdict']}"
    return (
        f"{of} {wanted(target)}: {number(target['median'])} "
        f"({number(target['min'])} … {number(target['max'])}), {target['verdict']}"
    )


def wanted(target: Document) -> str:
    """The bound that a target sets."""
    unit = f" {target['unit']}" if target["unit"] else ""
    if target["at_least"] is not None and target["at_most"] is not None:
        return f"{number(target['at_least'])} to {number(target['at_most'])}{unit}"
    if target["at_least"] is not None:
        return f"≥ {number(target['at_least'])}{unit}"
    return f"≤ {number(target['at_most'])}{unit}"


def number(value: float) -> str:
    """Three digits that mean something, or all before the point."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if abs(value) >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.3f}"


def first_line(error: str) -> str:
    """The last line of a traceback, which names what happened; the line itself if there is one."""
    return error.strip().splitlines()[-1]


def _against(target: Document) -> str:
    return f"{target['against']}" + (f" ({target['peer']})" if target["peer"] else "")
