"""The cost of an act: its processor time, statements, WAL and rows, in this tree or another one."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.acts import STATEMENTS, WARM_UP
from bench.databases import Databases, PostgresqlDatabases, connect, sqlite_file
from bench.meter import Meter, Statement, Table
from bench.tree import Tree

ACTS = Path(__file__).with_name("acts.py")
_WARMED_UP = ("log", "contact")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one act costs, on average."""

    client_us: float
    server_us: float
    statements: float
    wal_bytes: float
    tables: Mapping[str, Table]
    by_statement: list[Statement] = field(default_factory=list)


def cost(tree: Tree, databases: Databases, act: str, times: int) -> Cost | None:
    """Of an act that is done so often; None if the tree has no such act."""
    if isinstance(databases, PostgresqlDatabases):
        return _on_postgresql(tree, databases, act, times)
    return _on_sqlite(tree, databases, act, times)


def done(
    tree: Tree, url: str, act: str, times: int, at: Callable[[str], object], *words: str
) -> dict[str, Any] | None:
    """What the acts tell of themselves; `at` is called when they are `prepared`, `ready`, `done`.

    The database is empty before. None if the tree has no such act.

    Raises:
        RuntimeError: if they fail.
    """
    process = subprocess.Popen(
        [tree.python, "-P", str(ACTS), url, act, str(times), *words],
        cwd=tree.root, env=tree.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    told: dict[str, Any] = {}
    with process:
        for line in process.stdout:
            told = json.loads(line)
            at(told["stage"])
            process.stdin.write("\n")
            process.stdin.flush()
    if process.returncode != 0:
        raise RuntimeError(f"{act} in {tree.root} ended with {process.returncode}")
    return None if told["stage"] == "absent" else told


def _on_postgresql(tree: Tree, databases: PostgresqlDatabases, act: str, times: int) -> Cost | None:
    with (
        databases.new(schema=False) as url,
        closing(Meter(url, databases.server.pid)) as meter,
    ):
        at = {"prepared": meter.begin_rows, "ready": meter.begin, "done": meter.end}
        told = done(tree, url, act, times, lambda stage: at.get(stage, lambda: None)())
        if told is None:
            return None
        counted = times + (WARM_UP if act in _WARMED_UP else 0)
        return Cost(
            client_us=told["client_s"] / times * 1e6,
            server_us=meter.server_s / times * 1e6,
            statements=sum(each.calls for each in meter.statements) / times,
            wal_bytes=meter.wal_bytes / times,
            tables={name: table.each(counted) for name, table in meter.rows().items()},
            by_statement=[statement.each(times) for statement in meter.statements],
        )


def _on_sqlite(tree: Tree, databases: Databases, act: str, times: int) -> Cost | None:
    """Twice: counting takes time of its own."""
    with databases.new(schema=False) as url:
        timed = done(tree, url, act, times, lambda _: None)
        if timed is None:
            return None
    with databases.new(schema=False) as url:
        log = Path(f"{sqlite_file(url)}-wal")
        sizes: dict[str, int] = {}

        def at(stage: str) -> None:
            sizes[stage] = log.stat().st_size if log.exists() else 0

        counted = done(tree, url, act, times, at, "--counted")
        assert counted is not None
        return Cost(
            client_us=timed["client_s"] / times * 1e6,
            server_us=0.0,
            statements=counted["seen"].pop(STATEMENTS) / times,
            wal_bytes=(sizes["done"] - sizes["ready"]) / times,
            tables=_tables(url, counted["seen"], times),
        )


def _tables(url: str, seen: Mapping[str, int], times: int) -> dict[str, Table]:
    """From how often each table's rows were inserted, updated and deleted."""
    names = sorted({words.split()[0] for words in seen})
    with closing(connect(url)) as connection:
        return {
            name: Table(
                seen.get(f"{name} INSERT", 0),
                seen.get(f"{name} UPDATE", 0),
                seen.get(f"{name} DELETE", 0),
                len(connection.execute(f"PRAGMA index_list({name})").fetchall()),
            ).each(times)
            for name in names
        }
