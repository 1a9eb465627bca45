"""Two commits are compared round by round, each by its own code; fake trees measure at once."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import against, checkout, comparison
from bench.against import Turns, in_both
from bench.command import main
from bench.comparison import NOW, THEN, Round, joined, ratio
from bench.tree import Tree, python_for
from tests.bench.repository import ROOT, Repository
from tests.patience import PATIENCE_S

_BENCH_THAT_WAITS = """
import os, signal, socket
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
with socket.create_connection(("127.0.0.1", int(os.environ["TEST_PORT"]))) as test:
    test.sendall(b"measuring")
    signal.sigwait({signal.SIGTERM})
    test.sendall(b"stopped")
"""

# Another checkout stands in for this one.
_WITH_ROOT = """
import sys
from pathlib import Path
from bench import checkout, command
checkout.ROOT = Path(sys.argv.pop(1))
sys.exit(command.main())
"""


def _row(label: str, *samples: float, unit: str = "incidents/s", role: str = "ours") -> Any:
    return {"label": label, "role": role, "unit": unit, "samples": list(samples)}


def _results(*rows: Any, failed: list[Any] | None = None, title: str = "") -> dict[str, Any]:
    trial = {"scenario": "log_one", "database": "sqlite", "title": title, "rows": list(rows)}
    return {"trials": [trial | {"failed": failed or []}]}


def _rounds(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> list[Round]:
    return [Round("log_one", n, {NOW: now, THEN: then}) for n, (now, then) in enumerate(pairs)]


@pytest.mark.parametrize(
    ("now", "then", "unit", "expected"),
    [
        (90.0, 100.0, "incidents/s", 0.9),
        (100.0, 90.0, "ms", 0.9),
        (100.0, 90.0, "us", 0.9),
        (100.0, 90.0, "MiB", 0.9),
        (100.0, 100.0, "ms", 1.0),
        (0.0, 90.0, "ms", None),
        (90.0, -1.0, "MiB per 1,000,000", None),
    ],
)
def test_a_ratio_below_1_means_that_this_tree_is_slower_whatever_the_unit(
    now: float, then: float, unit: str, expected: float | None
) -> None:
    assert ratio(now, then, unit) == expected


def test_rows_are_joined_by_name_and_divided_within_each_round() -> None:
    (row,) = joined(
        _rounds(
            (_results(_row("a", 90.0)), _results(_row("a", 100.0))),
            # The machine was burdened: both are slow.
            (_results(_row("a", 40.0)), _results(_row("a", 50.0))),
            # A scenario with rounds of its own.
            (_results(_row("a", 1.0, 99.0, 100.0)), _results(_row("a", 100.0, 110.0, 1.0))),
        )
    )["rows"]
    assert row["ratio"] == {"median": 0.9, "min": 0.8, "max": 0.99, "samples": [0.9, 0.8, 0.99]}
    assert (row["then"]["median"], row["now"]["median"]) == (100.0, 90.0)
    assert row["slower"]


def test_a_round_that_one_tree_failed_is_no_pair() -> None:
    failed = [{"contender": "a", "error": "it does not work"}]
    found = joined(
        _rounds(
            (_results(failed=failed), _results(_row("a", 100.0))),
            (_results(failed=failed), _results(_row("a", 100.0))),
            (_results(_row("a", 50.0)), _results(_row("a", 50.0))),
        )
    )
    assert found["rows"][0]["ratio"]["samples"] == [1.0]
    assert [(one["tree"], one["error"]) for one in found["failed"]] == [("now", "it does not work")]


@pytest.mark.parametrize(
    ("role", "now", "slower"), [("ours", 94.9, True), ("ours", 95.0, False), ("floor", 50.0, False)]
)
def test_only_a_row_of_ours_below_0_95_is_marked(role: str, now: float, slower: bool) -> None:
    pair = (_results(_row("a", now, role=role)), _results(_row("a", 100.0, role=role)))
    assert joined(_rounds(pair))["rows"][0]["slower"] == slower


def test_rows_that_only_one_tree_has_are_named() -> None:
    now = _results(_row("a", 1.0), _row("new", 1.0), _row("b", 1.0, unit="ms"))
    then = _results(_row("a", 1.0), _row("old", 1.0), _row("b", 1.0, unit="us"))
    found = joined(_rounds((now, then)))
    assert [row["label"] for row in found["rows"]] == ["a"]
    assert [(one["label"], one["unit"]) for one in found["only_now"]] == [
        ("new", "incidents/s"),
        ("b", "ms"),
    ]
    assert [one["label"] for one in found["only_then"]] == ["old", "b"]


def test_scenarios_that_one_tree_lacks_are_left_out_and_named() -> None:
    both, missing = in_both(["a", "b", "c"], {NOW: ["a", "b"], THEN: ["c", "a", "z"]})
    assert both == ["a"]
    assert missing == {NOW: ["c"], THEN: ["b"]}


class _Clock:
    """A clock that goes on as far as each measurement takes, unless its time is over before."""

    def __init__(self, takes: Callable[[str], float]) -> None:
        self.now, self.done, self._takes = 0.0, "", takes

    def measure(self, tree: str, scenario: str, within_s: float) -> dict[str, Any]:
        self.now += min(self._takes(scenario), within_s)
        if self._takes(scenario) > within_s:
            raise TimeoutError
        self.done += f"{tree[0]}{scenario} "
        return _results(_row("a", 1.0))


def test_the_trees_take_turns_at_being_first() -> None:
    clock = _Clock(lambda _: 1.0)
    turns = Turns(clock.measure, until=100.0, moment=lambda: clock.now)
    assert [(one.scenario, one.n) for one in turns.run(["x", "y"], rounds=2)] == [
        ("x", 0), ("y", 0), ("x", 1), ("y", 1),
    ]  # fmt: skip
    assert clock.done == "nx tx ny ty tx nx ty ny "
    assert not turns.left_out


def test_no_round_begins_that_would_not_end_in_time_and_what_is_left_out_is_counted() -> None:
    clock = _Clock(lambda scenario: {"quick": 1.0, "slow": 20.0}[scenario])
    turns = Turns(clock.measure, until=60.0, moment=lambda: clock.now)
    done = [one.scenario for one in turns.run(["slow", "quick"], rounds=3)]
    # A pair of `slow` takes 40 of the 60; the second would end at 82.
    assert done == ["slow", "quick", "quick", "quick"]
    assert turns.left_out == {"slow": 2}
    assert clock.now <= 60.0


@pytest.mark.parametrize("takes_s", [31.0, 61.0], ids=["the second tree", "the first tree"])
def test_a_round_that_runs_out_of_time_is_left_out_and_so_is_all_behind_it(takes_s: float) -> None:
    clock = _Clock(lambda scenario: takes_s if scenario == "endless" else 1.0)
    turns = Turns(clock.measure, until=62.0, moment=lambda: clock.now)
    assert [one.scenario for one in turns.run(["quick", "endless", "last"], rounds=2)] == ["quick"]
    assert [one.scenario for one in turns.rounds] == ["quick"]
    assert turns.left_out == {"quick": 1, "endless": 2, "last": 2}
    assert clock.now == 62.0


def test_a_scenario_that_one_tree_cannot_measure_takes_no_more_of_the_time() -> None:
    done: list[tuple[str, str]] = []

    def measure(tree: str, scenario: str, within_s: float) -> dict[str, Any]:
        done.append((tree, scenario))
        return _results() if (tree, scenario) == (THEN, "x") else _results(_row("a", 1.0))

    turns = Turns(measure, until=60.0, moment=lambda: 0.0)
    assert [one.scenario for one in turns.run(["x", "y"], rounds=2)] == ["x", "y", "y"]
    assert len(done) == 6


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """Stands in for this checkout."""
    made = Repository(tmp_path / "checkout")
    monkeypatch.setattr(checkout, "ROOT", made.folder)
    yield made
    # Nothing is left of the other tree: neither files nor what git knows of a worktree.
    assert not list((made.folder / ".git").glob("worktrees/*"))


def test_each_tree_is_measured_by_its_own_code_in_all_that_it_starts(
    repository: Repository, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    then, now = repository.commit(100.0), repository.commit(80.0)
    repository.write("incidents/more.py", "")
    file = tmp_path / "results.json"
    words = ["--against", "HEAD~1", "log_one", "lateness", "--rounds", "2", "--json", str(file)]
    assert main(words) == 0
    results = json.loads(file.read_text())
    assert results["now"] == {"commit": now, "dirty": True, "machine": {"cores": 2}}
    assert results["then"]["commit"] == then
    assert [(row["label"], row["ratio"]["samples"]) for row in results["rows"]] == [
        ("the desk", [0.8, 0.8])
    ]
    assert results["missing"] == {NOW: ["lateness"], THEN: ["lateness"]}
    told = capsys.readouterr().out
    assert "100 then" in told
    assert "80.0 now  incidents/s  0.80 (0.80 … 0.80, rounds: 2)  SLOWER" in told
    assert "left out: lateness, which then does not have" in told


def test_the_catalogues_of_a_tree_are_compiled_before_it_is_measured(
    repository: Repository,
) -> None:
    source = "incidents/locale/en/LC_MESSAGES/cli.po"
    repository.write("scripts/catalogues.py", (ROOT / "scripts/catalogues.py").read_text())
    repository.write(source, (ROOT / source).read_text())
    repository.commit(1.0)
    Tree(root=repository.folder, python=sys.executable).compile()
    assert (repository.folder / source).with_suffix(".mo").exists()


def test_the_code_of_another_tree_is_not_measured_in_its_place(repository: Repository) -> None:
    repository.commit(1.0)
    # What is installed would be found now.
    shutil.rmtree(repository.folder / "incidents")
    tree = Tree(root=repository.folder, python=sys.executable)
    with pytest.raises(RuntimeError, match=r"would be measured with .*incidents"):
        tree.scenarios()


def test_a_bench_that_ends_without_results_is_a_failure_with_its_last_words(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("bench/__main__.py", 'raise SystemExit("no such table: entries")')
    tree = Tree(root=repository.folder, python=sys.executable)
    (trial,) = tree.measure("fire", [], tmp_path, PATIENCE_S)["trials"]
    assert trial["failed"] == [{"contender": "fire", "error": "no such table: entries"}]


def test_a_bench_that_is_still_running_when_its_time_is_over_is_ended(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("bench/__main__.py", "import signal; signal.pause()")
    tree = Tree(root=repository.folder, python=sys.executable)
    with pytest.raises(TimeoutError, match="fire was stopped"):
        # It comes back only after the process has ended.
        tree.measure("fire", [], tmp_path, within_s=0.2)


@pytest.mark.parametrize(
    ("scenario", "box_s", "reason"),
    [
        ("lateness", against.TIME_BOX_S, "left out: lateness, which then does not have"),
        ("fire", 0.0, "left out: 2 of 2 rounds of fire, for lack of time"),
    ],
)
def test_a_run_that_compares_no_row_fails(
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    scenario: str,
    box_s: float,
    reason: str,
) -> None:
    repository.commit(1.0)
    monkeypatch.setattr(against, "TIME_BOX_S", box_s)
    assert main(["--against", "HEAD", scenario, "--rounds", "2"]) == 1
    assert reason in capsys.readouterr().out


def test_an_interrupted_run_ends_its_bench_gently_and_leaves_no_tree(
    repository: Repository, tmp_path: Path
) -> None:
    repository.write("bench/__main__.py", _BENCH_THAT_WAITS)
    repository.commit(1.0)
    own = tmp_path / "tmp"
    own.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE_S)
        port = str(server.getsockname()[1])
        started = subprocess.Popen(
            [sys.executable, "-c", _WITH_ROOT, repository.folder, "--against", "HEAD", "fire"],
            cwd=ROOT, env={**os.environ, "TMPDIR": str(own), "TEST_PORT": port},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        bench, _ = server.accept()
    with bench:
        bench.settimeout(PATIENCE_S)
        assert bench.recv(100) == b"measuring"
        started.terminate()
        assert started.wait(PATIENCE_S) == 128 + signal.SIGTERM
        assert bench.recv(100) == b"stopped"
    assert list(own.iterdir()) == []


def test_a_tree_whose_libraries_are_all_pinned_here_too_shares_this_python(tmp_path: Path) -> None:
    pins = {"then": "click==8.4.0 \\\n    --hash=sha256:0\n", "now": "click==8.4.0\nrich==14.1\n"}
    for name, text in pins.items():
        file = tmp_path / name / "requirements" / "bench.txt"
        file.parent.mkdir(parents=True)
        file.write_text(text)
    python, told = python_for(tmp_path / "then", tmp_path / "now")
    assert (python, told) == (sys.executable, "the same libraries, and 1 more")


def test_a_commit_that_is_not_there_is_refused_before_anything_is_set_up(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    repository.commit(1.0)
    with pytest.raises(SystemExit, match="2"):
        main(["--against", "0123456789"])
    assert "this clone has no commit '0123456789'" in capsys.readouterr().err


def test_the_table_names_rows_failures_and_rounds_that_are_missing() -> None:
    failed = [{"contender": "b", "error": "it does not work"}]
    pair = (
        _results(_row("a", 1.0), title="t"),
        _results(_row("a", 1.0), _row("old", 1.0), failed=failed, title="t"),
    )
    told = comparison.text(
        joined(_rounds(pair))
        | {NOW: {"commit": "1"}, THEN: {"commit": "0"}, "rounds": 3}
        | {"missing": {NOW: [], THEN: ["deliver"]}, "left_out": {"idle": 2}}
    )
    for line in (
        "only then: log_one · sqlite · t · old",
        "FAILED then: log_one · sqlite · t · b: it does not work",
        "left out: deliver, which then does not have",
        "left out: 2 of 3 rounds of idle, for lack of time",
        "1 rows, 0 of ours below 0.95",
    ):
        assert line in told
