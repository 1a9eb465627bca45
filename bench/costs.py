"""What each act costs, as a table in Markdown: `python -m bench.costs [--of COMMIT]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from bench import checkout, meter
from bench.acts import ACTS
from bench.command import made
from bench.cost import Cost, cost
from bench.meter import Statement, Table
from bench.table import number
from bench.tree import Tree, python_for

TODAY = "today"
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
_FEW = 500
_SHORT = 7
_LEAST_US, _LONGEST = 0.3, 160

Costs = dict[tuple[str, str], dict[str, Cost | None]]
"""By act and database, and by tree."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures the acts that are asked for, and prints their costs."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if unknown := set(asked.acts) - set(ACTS):
        parser.error(f"no such act: {', '.join(sorted(unknown))} (there are {', '.join(ACTS)})")
    found: Costs = {}
    with ExitStack() as stack:
        trees = _trees(asked.of, stack)
        databases, _ = stack.enter_context(made(asked.db, asked.folder, meter.SETTINGS))
        for act, times in _acts(asked.acts, asked.times):
            for kind in databases.values():
                name = f"{act}, {times:,}" if act == "elapse" else act
                of_trees = found.setdefault((name, _NAMES[kind.kind]), {})
                for label, tree in trees.items():
                    print(f"{name}, {kind.kind}, {label}", file=sys.stderr, flush=True)
                    of_trees[label] = cost(tree, kind, act, times)
    for lines in (_summary(found), _rows(found), _statements(found) if asked.statements else ()):
        print("\n".join([*lines, ""]))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.costs", description="Prints what each act costs, in Markdown."
    )
    parser.add_argument("acts", nargs="*", metavar="ACT", help=f"default: all of {', '.join(ACTS)}")
    parser.add_argument("--of", metavar="COMMIT", help="beside it, what they cost in that commit")
    parser.add_argument("--times", type=int, default=2_000, help="how often each; default: 2000")
    parser.add_argument("--db", choices=list(_NAMES), help="default: both")
    parser.add_argument("--folder", type=Path, help="where the databases lie, on a real disk")
    parser.add_argument("--statements", action="store_true", help="also those of PostgreSQL")
    return parser


def _acts(acts: Sequence[str], times: int) -> Iterator[tuple[str, int]]:
    """Each act and how often it is done; clocks also in one batch."""
    for act in acts or ACTS:
        if act == "elapse" and times > _FEW:
            yield act, _FEW
        yield act, times


def _trees(revision: str | None, stack: ExitStack) -> dict[str, Tree]:
    """This tree, and that commit's."""
    found = {TODAY: Tree(root=checkout.ROOT, python=sys.executable)}
    if revision is not None:
        commit = checkout.commit(revision)
        if commit is None:
            raise SystemExit(f"this clone has no commit {revision!r}")
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="incidents-costs-")))
        checkout.unpack(commit, root)
        then = Tree(root=root, python=python_for(root, checkout.ROOT)[0])
        then.compile()
        found[commit[:_SHORT]] = then
    return found


def _summary(found: Costs) -> Iterator[str]:
    yield "| each | database | tree | client µs | server µs | statements | WAL bytes | rows |"
    yield "|---|---|---|--:|--:|--:|--:|--:|"
    for (act, database), trees in found.items():
        for label, one in trees.items():
            yield _line(act, database, label, *([""] * 5 if one is None else _figures(one)))


def _figures(one: Cost) -> list[str]:
    rows = sum(map(_written, one.tables.values()))
    server = number(one.server_us) if one.server_us else ""
    figures = (one.statements, one.wal_bytes, rows)
    return [number(one.client_us), server, *map(number, figures)]


def _rows(found: Costs) -> Iterator[str]:
    labels = list(dict.fromkeys(label for trees in found.values() for label in trees))
    yield "Rows inserted, updated and deleted, and how many indexes the table has:"
    yield ""
    yield _line("each", "database", "table", *labels)
    yield "|---|---|---|" + "---|" * len(labels)
    for (act, database), trees in found.items():
        names = sorted({name for one in trees.values() if one for name in one.tables})
        for name in names:
            tables = [one.tables.get(name) if one else None for one in trees.values()]
            yield _line(act, database, f"`{name}`", *map(_table, tables))


def _statements(found: Costs) -> Iterator[str]:
    for (act, database), trees in found.items():
        for label, one in trees.items():
            if one is None or not one.by_statement:
                continue
            yield f"{act}, {database}, {label}:"
            yield ""
            yield "| calls | rows | server µs | WAL bytes | statement |"
            yield "|--:|--:|--:|--:|---|"
            for each in one.by_statement:
                if each.took_us >= _LEAST_US or each.wal_bytes:
                    yield _statement(each)
            yield ""


def _statement(each: Statement) -> str:
    text = " ".join(each.text.split()).replace("|", "\\|")
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    figures = (each.calls, each.rows, each.took_us, each.wal_bytes)
    return _line(*map(number, figures), f"`{short}`")


def _written(table: Table) -> float:
    return table.inserted + table.updated + table.deleted


def _table(table: Table | None) -> str:
    if table is None:
        return ""
    rows = " · ".join(map(number, (table.inserted, table.updated, table.deleted)))
    return f"{rows}; {table.indexes}"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
