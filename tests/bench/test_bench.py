"""The bench works and tells what it measured; how fast anything is, no test says."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bench import command, console_visit, page, pictures, record
from bench.command import main
from bench.context import Context
from bench.results import judged, row
from bench.rounds import Rounds, document
from bench.scenarios import NAMES
from bench.trial import FASTEST_PEER, Contender, Figure, Role, Target, Trial
from incidents.audit.split import replayed
from incidents.store.database import engine as engines

ROOT = Path(__file__).parents[2]


def _bench(folder: Path, *arguments: str) -> dict[str, Any]:
    """What a run of its own process has written down."""
    file = folder / "results.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", *arguments, "--size", "tiny", "--json", str(file)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(file.read_text())
    return results


def _contender(name: str, role: Role, run: Callable[[], Sequence[Figure]]) -> Contender:
    return Contender(name=name, role=role, run=run)


def _steady(name: str, role: Role, *values: float) -> Contender:
    left = list(values)
    return _contender(name, role, lambda: [Figure(name, left.pop(0), "a second")])


def _trial(*contenders: Contender, targets: Sequence[Target] = ()) -> Trial:
    return Trial(
        scenario="log_one", database="sqlite", title="a trial", contenders=contenders,
        targets=targets,
    )  # fmt: skip


def _measured(trial: Trial, rounds: int) -> dict[str, Any]:
    run = Rounds(trial)
    run.run(rounds, lambda _: None)
    return document(run)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run on both databases has written down."""
    return _bench(tmp_path_factory.mktemp("bench"), "log_batch")


def test_a_run_tells_the_floor_ours_and_the_verdict_on_both_databases(
    results: dict[str, Any],
) -> None:
    assert [trial["database"] for trial in results["trials"]] == ["sqlite", "postgresql"]
    for trial in results["trials"]:
        assert [(row["role"], row["unit"]) for row in trial["rows"]] == [
            ("floor", "incidents/s"),
            ("ours", "incidents/s"),
        ]
        assert all(0 < row["min"] <= row["median"] <= row["max"] for row in trial["rows"])
        assert [target["verdict"] in ("met", "missed") for target in trial["targets"]] == [True]
        assert trial["failed"] == []


def test_a_run_tells_its_machine_and_the_server_that_it_ran(results: dict[str, Any]) -> None:
    machine = results["machine"]
    assert machine["cores"] > 0
    assert machine["file_system"] not in ("tmpfs", "ramfs")
    assert machine["postgresql"]["origin"]
    assert (machine["postgresql"]["fsync"], machine["postgresql"]["synchronous_commit"]) == (
        "on",
        "on",
    )


def test_the_floor_writes_the_rows_that_the_desk_writes(results: dict[str, Any]) -> None:
    for trial in results["trials"]:
        written = [line.split()[2] for line in trial["floor"] if line.startswith("INSERT")]
        assert {"incidents", "work", "entries", "orders", "sealed"} <= set(written)
        assert len(written) == len(set(written))


# That no peer takes part who is not wanted stands below too.
@pytest.mark.long
def test_peers_that_are_not_wanted_are_named_as_left_out(tmp_path: Path) -> None:
    trial = _bench(tmp_path, "fire", "--db", "sqlite", "--only-ours")["trials"][0]
    assert [row["label"] for row in trial["rows"]] == ["the desk"]
    assert {one["why"] for one in trial["left_out"]} == {"peers were not asked for"}
    assert trial["targets"][0]["verdict"] == "not measured"


@pytest.mark.long
@pytest.mark.parametrize(
    ("scenario", "ours"),
    [
        ("daemon", ["one daemon"]),
        ("lateness", ["p50", "p99", "worst", "earliest"]),
        ("published", ["p50", "p99", "worst", "committed"]),
        ("per_core", ["clocks", "loggings"]),
    ],
)
def test_what_runs_the_whole_program_works_at_the_smallest_size(
    tmp_path: Path, scenario: str, ours: list[str]
) -> None:
    trial = _bench(tmp_path, scenario, "--db", "sqlite")["trials"][0]
    assert trial["failed"] == []
    assert [row["label"] for row in trial["rows"] if row["role"] == "ours"] == ours


@pytest.mark.long
def test_the_console_is_worked_in_a_browser_and_all_that_happens_at_once_is_timed(
    tmp_path: Path,
) -> None:
    [trial] = _bench(tmp_path, "console", "--db", "sqlite")["trials"]
    assert trial["failed"] == []
    measured = {row["label"]: row["median"] for row in trial["rows"] if row["role"] == "ours"}
    assert measured.keys() >= set(console_visit.AT_ONCE)
    assert min(measured.values()) > 0


def test_a_peer_that_is_not_installed_is_named_with_what_it_needs(tmp_path: Path) -> None:
    context = Context(size="tiny", rounds=1, databases={}, folder=tmp_path)
    assert context.absent("json", "no_such_library") == "not installed: no_such_library"
    assert context.absent("json") is None
    without_peers = replace(context, only_ours=True)
    assert without_peers.absent("json") == "peers were not asked for"


def test_each_round_begins_with_another_contender() -> None:
    order: list[str] = []

    def contender(name: str) -> Contender:
        def run() -> list[Figure]:
            order.append(name)
            return [Figure(name, 1.0, "a second")]

        return _contender(name, "ours", run)

    _measured(_trial(*map(contender, "abc")), rounds=3)
    assert "".join(order) == "abc" + "bca" + "cab"


def test_a_contender_that_fails_is_named_and_the_others_go_on() -> None:
    def fail() -> list[Figure]:
        raise RuntimeError("it does not work")

    trial = _measured(_trial(_contender("a", "peer", fail), _steady("b", "ours", 1, 2)), rounds=2)
    assert trial["failed"] == [{"contender": "a", "error": "RuntimeError: it does not work"}]
    assert trial["rows"][0]["samples"] == [1, 2]


def test_only_what_did_not_work_is_an_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(of="a", at_least=1e9)
    missed = _measured(_trial(_steady("a", "ours", 1.0), targets=[target]), rounds=1)
    broken = missed | {"failed": [{"contender": "a", "error": "it does not work"}]}
    for trial, status in ((missed, 0), (broken, 1)):
        monkeypatch.setattr(command, "run", lambda *_, trial=trial: {"trials": [trial]})
        assert main([]) == status


def test_a_ratio_is_taken_within_each_round() -> None:
    ours = _steady("ours", "ours", 10.0, 2.0, 40.0)
    floor = _steady("floor", "floor", 20.0, 4.0, 50.0)
    target = Target(of="ours", against="floor", at_least=0.5)
    trial = _measured(_trial(floor, ours, targets=[target]), rounds=3)
    verdict = trial["targets"][0]
    assert (verdict["median"], verdict["min"], verdict["max"]) == (0.5, 0.5, 0.8)
    assert verdict["verdict"] == "met"


def test_the_fastest_peer_is_the_one_with_the_highest_median() -> None:
    rows = [
        row("slow", "a second", _steady("slow", "peer"), [1.0, 90.0, 1.0]),
        row("fast", "a second", _steady("fast", "peer"), [5.0, 5.0, 5.0]),
        row("ours", "a second", _steady("ours", "ours"), [10.0, 10.0, 10.0]),
    ]
    verdict = judged(Target(of="ours", against=FASTEST_PEER, at_least=3.0), rows)
    assert (verdict["peer"], verdict["median"], verdict["verdict"]) == ("fast", 2.0, "missed")


def test_every_scenario_says_what_it_measures_and_what_not() -> None:
    for name in NAMES:
        told = import_module(f"bench.scenarios.{name}").__doc__ or ""
        assert "Measured:" in told
        assert "Not measured:" in told


def test_the_page_is_what_its_results_say() -> None:
    results = json.loads(page.RESULTS.read_text(encoding="utf-8"))
    assert page.PAGE.read_text(encoding="utf-8") == page.text(results)
    for name, svg in pictures.drawn(results).items():
        assert (page.PICTURES / name).read_text(encoding="utf-8") == svg


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["--help"], 0, "usage: scripts/bench"),
        (["--quick"], 2, "unrecognized arguments: --quick"),
        (["lock_one"], 2, "no such scenario: lock_one (there are log_one"),
        (["log_one", "--size", "tiny"], 0, ""),
    ],
)
def test_help_and_what_is_mistyped_are_answered_before_anything_is_installed(
    words: list[str], status: int, told: str
) -> None:
    without_packages = [sys.executable, "-S", "-m", "bench.arguments"]
    answer = subprocess.run(
        [*without_packages, *words], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert answer.returncode == status
    assert told in answer.stdout + answer.stderr
    assert (answer.stdout + answer.stderr == "") == (told == "")


def test_a_record_that_was_multiplied_by_sql_holds_in_a_replay(db_url: str) -> None:
    entries = record.write(db_url, 60)
    engine = engines.create(db_url)
    found = replayed(engine)
    engine.dispose()
    assert (found.findings, found.entries, found.more) == ((), entries, False)
    assert found.sites > 2
