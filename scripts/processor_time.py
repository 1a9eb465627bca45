"""Processor seconds: the cost of a command with all that it starts, and a table by test.

    processor_time.py run FILE NAME COMMAND…    runs a suite, and adds its cost to FILE
    processor_time.py report FOLDER             prints the tables of a folder of such files

Seconds are user and system together. A daemon that leaves its parent counts too: it falls to `run`,
which is a subreaper (Linux, prctl(2)).
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_PR_SET_CHILD_SUBREAPER = 36
_MOST_EXPENSIVE = 50
_MOST_EXPENSIVE_FIXTURES = 25


def run(file: Path, name: str, command: list[str]) -> int:
    """Run the command and its daemons to their end; return its exit status."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    environment = {**os.environ, "PROCESSOR_TIME_FILE": str(file), "PROCESSOR_TIME_SUITE": name}
    process = subprocess.Popen(command, env=environment)
    # An interrupt from the terminal reaches the command too, which ends in its own way.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    status = 0
    while True:
        try:
            pid, ended = os.waitpid(-1, 0)
        except ChildProcessError:
            break
        if pid == process.pid:
            status = os.waitstatus_to_exitcode(ended)
            process.returncode = status
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    _append(file, {"kind": "suite", "name": name, "seconds": spent.ru_utime + spent.ru_stime})
    return status if status >= 0 else 128 - status


def _append(file: Path, row: dict[str, Any]) -> None:
    with file.open("a") as rows:
        rows.write(json.dumps(row) + "\n")


def report(folder: Path) -> None:
    """Print processor seconds by suite, folder, fixture and test."""
    rows = [
        json.loads(line)
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text().splitlines()
    ]
    suites = {row["name"]: row["seconds"] for row in rows if row["kind"] == "suite"}
    tests_run = [row for row in rows if row["kind"] == "test"]
    fixtures = [row for row in rows if row["kind"] == "fixture"]
    in_suite = _sums((row["suite"], row["seconds"]) for row in tests_run)
    tests = _sums((row["test"], row["seconds"]) for row in tests_run)
    folders = _sums((_folder(row["test"]), row["seconds"]) for row in tests_run)
    counts = Counter(_folder(test) for test in tests)

    total = sum(suites.values())
    print(f"{'suite':<40}{'seconds':>10}{'share':>8}{'in tests':>10}")
    for name, seconds in suites.items():
        print(f"{name:<40}{seconds:>10.1f}{seconds / total:>8.1%}{in_suite.get(name, 0):>10.1f}")
    print(f"{'all':<40}{total:>10.1f}")
    print(f"\n{'folder':<40}{'seconds':>10}{'tests':>8}{'each, ms':>10}")
    for name, seconds in _most_expensive(folders, len(folders)):
        print(f"{name:<40}{seconds:>10.1f}{counts[name]:>8}{1000 * seconds / counts[name]:>10.1f}")
    print(f"\n{'fixture, its setting up alone':<60}{'seconds':>10}{'times':>8}")
    times = Counter(row["name"] for row in fixtures)
    for name, seconds in _most_expensive(
        _sums((row["name"], row["seconds"]) for row in fixtures), _MOST_EXPENSIVE_FIXTURES
    ):
        print(f"{name:<60}{seconds:>10.1f}{times[name]:>8}")
    print(f"\nthe {_MOST_EXPENSIVE} dearest tests")
    for name, seconds in _most_expensive(tests, _MOST_EXPENSIVE):
        print(f"{seconds:>8.1f}  {name}")


def _sums(pairs: Iterable[tuple[str, float]]) -> dict[str, float]:
    sums: defaultdict[str, float] = defaultdict(float)
    for name, seconds in pairs:
        sums[name] += seconds
    return sums


def _most_expensive(sums: dict[str, float], most: int) -> list[tuple[str, float]]:
    return sorted(sums.items(), key=lambda pair: -pair[1])[:most]


def _folder(test: str) -> str:
    return str(Path(test.partition("::")[0]).parent)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["run", file, name, *command] if command:
            sys.exit(run(Path(file), name, command))
        case ["report", folder]:
            report(Path(folder))
        case _:
            sys.exit(__doc__)
