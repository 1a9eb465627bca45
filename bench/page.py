"""The page: docs/explanation/speed.md with its pictures, made from the results of one run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from bench import pictures
from bench.results import MET, MISSED
from bench.scenarios import NAMES
from bench.table import first_line, number, wanted

Document = dict[str, Any]

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "explanation" / "speed.json"
PAGE = RESULTS.with_suffix(".md")
PICTURES = ROOT / "docs" / "pictures"
# What no figures tell: what the speed comes from, and why a target is missed.
SHAPE = Path(__file__).with_name("shape.md")

_MOST_ROWS = 12
_INTRODUCTION = """\
# Speed

What the desk costs, measured beside a floor (the bare driver doing the same) and beside peers
(other people's timers and queues), in one run on one machine, in turn. Figures are medians with the
least and the most of all rounds; a ratio is taken within each round, so that what burdened the
machine burdened both sides. Other machines give other figures; ratios depend on the machine less,
and where a target does, "What is missed" says so. A clock is one deadline. Where a target has ≥,
speeds are compared and more is better; where it has ≤, times, and less is better. A target that was
missed stays in the table.

This page is made from [the results of the run](speed.json) by `scripts/bench --page`; see
how to run it again in `bench/README.md`.
"""
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def write(file: Path | None) -> int:
    """Draws the page from `file`, which then becomes the page's own results; the exit status."""
    if file is not None and file.resolve() != RESULTS:
        shutil.copyfile(file, RESULTS)
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    for name, svg in pictures.drawn(results).items():
        (PICTURES / name).write_text(svg, encoding="utf-8")
    PAGE.write_text(text(results), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}")
    return 0


def text(results: Document) -> str:
    """The page."""
    shown = pictures.drawn(results)
    shape = SHAPE.read_text(encoding="utf-8")
    parts = [_INTRODUCTION, _run(results), _targets(results, shown), shape]
    for name in NAMES:
        trials = [trial for trial in results["trials"] if trial["scenario"] == name]
        if trials:
            parts.append(_scenario(name, trials, shown))
    return "\n".join(parts)


def _run(results: Document) -> str:
    machine = results["machine"]
    postgresql = machine["postgresql"]
    facts = {
        "date": results["date"],
        "commit": _commit(results),
        "command": f"`{results['command']}`",
        "rounds": str(results["rounds"]),
        "processor": f"{machine['cores']} cores, {machine['processor']}",
        "memory": f"{number(machine['memory_gib'])} GiB",
        "load before": f"{machine['load_1m']} (over one minute)",
        "system": f"{machine['system']}, databases on {machine['file_system']}",
        "Python": machine["python"],
        "SQLite": f"{machine['sqlite']}, WAL, synchronous=FULL",
    }
    if postgresql:
        facts["PostgreSQL"] = (
            f"{postgresql['server_version']}, {postgresql['origin']}; over a Unix socket, its own "
            f"defaults: fsync {postgresql['fsync']}, synchronous_commit "
            f"{postgresql['synchronous_commit']}"
        )
    facts["libraries"] = ", ".join(f"{k} {v}" for k, v in machine["libraries"].items())
    rows = [f"| {name} | {value} |" for name, value in facts.items()]
    return "\n".join(["## The run", "", "| | |", "|---|---|", *rows, ""])


def _commit(results: Document) -> str:
    words = [f"`{results['commit']}`" if results.get("commit") else "not known"]
    if results.get("dirty"):
        words.append("and changes that were not committed")
    return ", ".join([*words, *filter(None, [results.get("commit_note")])])


def _targets(results: Document, shown: dict[str, str]) -> str:
    judged = [(trial, target) for trial in results["trials"] for target in trial["targets"]]
    met = sum(target["verdict"] == MET for _, target in judged)
    missed = sum(target["verdict"] == MISSED for _, target in judged)
    lines = [
        "## Targets", "",
        f"{met} met, {missed} missed"
        + (f", {len(judged) - met - missed} not measured" if len(judged) > met + missed else "")
        + ".", "",
        "| scenario | database | what | target | figure | spread | |",
        "|---|---|---|---|---|---|---|",
        *(_target_row(trial, target) for trial, target in judged), "",
    ]  # fmt: skip
    return "\n".join([*lines, *_picture(pictures.TARGETS, shown)])


def _target_row(trial: Document, target: Document) -> str:
    what = target["of"]
    if target["against"] is not None:
        what += f" / {target['peer'] or target['against']}"
    figure, spread = "", ""
    if target["median"] is not None:
        figure = number(target["median"])
        spread = f"{number(target['min'])} … {number(target['max'])}"
    where = f"{trial['title']}: {what}"
    verdict = target["verdict"] if target["verdict"] == MET else f"**{target['verdict']}**"
    return (
        f"| [{trial['scenario']}](#{trial['scenario']}) | {_database(trial)} | {where} | "
        f"{wanted(target)} | {figure} | {spread} | {verdict} |"
    )


def _scenario(name: str, trials: list[Document], shown: dict[str, str]) -> str:
    told = (import_module(f"bench.scenarios.{name}").__doc__ or "").strip()
    lines = [f"## {name}", "", told, ""]
    for trial in trials:
        lines += _trial(trial)
    floor = next((trial["floor"] for trial in trials if len(trial["floor"]) > 1), None)
    if floor and name == NAMES[0]:
        lines += ["The floor's statements, one logging:", "", "```sql"]
        lines += [f"{statement};" for statement in floor] + ["```", ""]
    return "\n".join([*lines, *_picture(name, shown)])


def _trial(trial: Document) -> Iterator[str]:
    yield f"{_database(trial)}{', ' if trial['database'] else ''}{trial['title']}:"
    yield ""
    if trial["rows"]:
        yield "| | who | median | spread | unit | rounds | how |"
        yield "|---|---|---|---|---|---|---|"
    rows = trial["rows"]
    left = max(0, len(rows) - _MOST_ROWS)
    # Of a long series the ends tell enough; the picture has the rest.
    for row in rows if not left else [*rows[:2], *rows[-4:]]:
        yield (
            f"| {row['role']} | {row['label']} | {number(row['median'])} | {number(row['min'])} … "
            f"{number(row['max'])} | {row['unit']} | {len(row['samples'])} | {row['how']} |"
        )
    if trial["rows"]:
        yield ""
    for one in trial["failed"]:
        yield f"- **failed**: {one['contender']}: {first_line(one['error'])}"
    for one in trial["left_out"]:
        yield f"- left out: {one['contender']}, {one['why']}"
    for note in trial["notes"]:
        yield f"- {note}"
    if trial["failed"] or trial["left_out"] or trial["notes"]:
        yield ""


def _database(trial: Document) -> str:
    name: str = trial["database"]
    return _NAMES.get(name, name)


def _picture(name: str, shown: dict[str, str]) -> list[str]:
    file = pictures.file_of(name)
    return [f"![{name}](../pictures/{file})", ""] if file in shown else []
