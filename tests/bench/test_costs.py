"""What an act costs is counted alike on both databases, and told as a table."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench import checkout, costs
from bench.acts import ACTS
from bench.cost import Cost
from bench.meter import Statement, Table

ROOT = Path(__file__).parents[2]

_COST = Cost(
    client_us=500.0, server_us=250.0, statements=2.0, wal_bytes=3_000.0,
    tables={"incidents": Table(1.0, 0.5, 0.0, 8)},
    by_statement=[Statement("SELECT  1 |  2", 2.0, 1.0, 5.0, 0.0)],
)  # fmt: skip


def _told(*words: str) -> list[list[str]]:
    """The cells of what a run of its own process prints."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.costs", "--times", "20", *words],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_costs_are_told_as_markdown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(costs, "cost", lambda *_: _COST)
    assert costs.main(["log", "--db", "sqlite", "--statements"]) == 0
    told = capsys.readouterr().out
    assert "| log | SQLite | today | 500 | 250 | 2.00 | 3,000 | 1.50 |" in told
    assert "| log | SQLite | `incidents` | 1.00 · 0.50 · 0; 8 |" in told
    assert "| 2.00 | 1.00 | 5.00 | 0 | `SELECT 1 \\| 2` |" in told


def test_clocks_are_also_counted_in_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def cost(_tree: object, _databases: object, act: str, times: int) -> None:
        asked.append((act, times))

    monkeypatch.setattr(costs, "cost", cost)
    costs.main(["--db", "sqlite"])
    many = 2_000
    assert asked == [
        ("log", many), ("contact", many), ("elapse", 500), ("elapse", many), ("deliver", many),
    ]  # fmt: skip


def test_an_act_or_a_commit_that_there_is_not_is_refused() -> None:
    for words in (["lock"], ["--of", "no-such-commit"]):
        with pytest.raises(SystemExit):
            costs.main(words)


def test_both_databases_write_the_same_rows() -> None:
    told = _told("log")
    rows = {
        name: {table: rows.partition(";")[0] for _, of, table, rows in tables if of == name}
        for name in ("SQLite", "PostgreSQL")
        for tables in [[line for line in told if len(line) == 4]]
    }
    assert rows["SQLite"] == rows["PostgreSQL"]
    assert rows["SQLite"]["`incidents`"] == "1.00 · 0 · 0"


@pytest.mark.long
def test_every_act_is_measured_in_another_tree_too() -> None:
    commit = checkout.commit()
    assert commit is not None
    told = [line for line in _told("--of", commit) if len(line) == 8]
    acts = [line[0].partition(",")[0] for line in told if line[3].replace(",", "").isdigit()]
    assert [acts.count(act) for act in ACTS] == [4, 4, 4, 4]
