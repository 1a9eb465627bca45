"""The tests that a change can touch: find them, and run the nearest within a time.

`scripts/test --changed` is this. scripts/dependencies.py finds what uses a file.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from statistics import fmean
from typing import NamedTuple

import pytest

from scripts.dependencies import (
    Dependencies,
    Texts,
    dependencies,
    distances,
    folder_of,
    is_beneath,
    module_of,
    read_tree,
    sources,
)
from tests import durations

_CHECKS = ("ruff check --quiet .", "ruff format --check --quiet .", "lint-imports --no-logo")
_WORKERS = 2
_WITH_WORKERS = ("-n", str(_WORKERS), "--dist", "worksteal")
# Starting the workers and collecting; and a test file that has not run here yet, on one worker.
_STARTING_S = 8.0
_UNKNOWN_S = 4.0
# Leave a tenth: tests that wait for a process vary.
_SHARE_PLANNED = 0.9

_EVERYTHING = re.compile(r"pyproject\.toml|requirements/.*|scripts/_setup|tests/conftest\.py")
_MIRRORED_BY = {"alembic": "tests/store", "bench": "tests/bench", "docs": "tests/docs"}
_FAR = 99


class Rank(NamedTuple):
    """The distance of a test file from a change; the nearest sorts first."""

    kind: int  # itself changed, named after what has, in the folder that mirrors it, anywhere
    distance: int  # the number of uses between


def touched(changed: Iterable[str], texts: Texts, found: Dependencies) -> dict[str, Rank]:
    """The test files that the changed files can touch, each with its nearest rank."""
    ranks: dict[str, Rank] = {}
    used_by_all = _imported_by_all(found)
    for path in changed:
        steps = distances(found, sources(path, texts))
        for test in texts:
            if re.fullmatch(r"tests/(.*/)?test_\w+\.py", test):
                rank = _rank(test, path, steps.get(test))
                if rank is None and path in used_by_all:
                    rank = Rank(3, _FAR)
                if rank is not None:
                    ranks[test] = min(rank, ranks.get(test, rank))
    return ranks


def _imported_by_all(found: Dependencies) -> set[str]:
    """The files of tests/ that tests/conftest.py imports, directly or not: all tests use them."""
    imported, queue = set[str](), ["tests/conftest.py"]
    for path in queue:
        new = {used for used in found.get(path, ()) if used.startswith("tests/")} - imported
        imported |= new
        queue += new
    return imported


def _rank(test: str, changed: str, steps: int | None) -> Rank | None:
    if test == changed:
        return Rank(0, 0)
    if _EVERYTHING.fullmatch(changed):
        return Rank(3, 0)
    mirrored = is_beneath(test, _mirror(changed))
    if mirrored and changed.endswith("/conftest.py"):
        return Rank(2, 1 if steps is None else steps)
    # A file in tests/ has users; for others, all tests of the mirrored folder are about it.
    if steps is None and (not mirrored or changed.startswith("tests/")):
        return None
    kind = 3
    if (mirrored or folder_of(test) == "tests") and _is_named_after(test, changed):
        kind = 1
    elif mirrored and (steps is not None or changed.startswith("incidents/")):
        kind = 2
    return Rank(kind, _FAR if steps is None else steps)


def _mirror(path: str) -> str:
    """The folder of tests that mirrors where the file lies; no folder, for incidents/NAME.py."""
    parts = path.split("/")
    if parts[0] == "incidents":
        return f"tests/{parts[1]}"
    return folder_of(path) if parts[0] == "tests" else _MIRRORED_BY.get(parts[0], "tests/docs")


def _is_named_after(test: str, changed: str) -> bool:
    """Whether it is test_queue.py or test_queue_frame.py, for queue.py or a file in queue/."""
    parts = PurePosixPath(changed).with_suffix("").parts
    return any(f".test_{part}_" in f"{module_of(test)}_" for part in parts[2:] or parts[-1:])


def seconds_of(tests: Iterable[str], known: Mapping[str, float]) -> dict[str, float]:
    """The seconds of each on one worker; one that has not run here yet takes its folder's mean."""
    beside = defaultdict(list)
    for test, seconds in known.items():
        beside[folder_of(test)].append(seconds)
    return {
        test: known.get(test, fmean(beside.get(folder_of(test), [_UNKNOWN_S]))) for test in tests
    }


def chosen(ranks: Mapping[str, Rank], seconds: Mapping[str, float], box_s: float) -> list[str]:
    """The nearest that fit in `box_s` on all workers, the quick first of those equally near.

    One that does not fit is left out for those behind it; a changed test file always runs.
    """
    left, taken = box_s * _WORKERS, []
    for test in sorted(ranks, key=lambda test: (ranks[test], seconds[test], test)):
        if ranks[test].kind == 0 or seconds[test] <= left:
            taken.append(test)
            left -= seconds[test]
    return taken


def not_run(tests: Iterable[str]) -> str:
    """The folders of tests with the number of files in each, the fullest first."""
    folders = Counter("/".join(folder_of(test).split("/")[:2]) for test in tests).most_common()
    return ", ".join(f"{folder} ({n} {'file' if n == 1 else 'files'})" for folder, n in folders)


def changed_since(base: str | None) -> list[str]:
    """The files that differ from BASE, new ones too; without any from HEAD, its last commit's.

    Raises:
        SystemExit: if git does not know BASE, or there is no commit before HEAD to compare with.
    """
    differing = _git("diff", "--name-only", "--no-renames", "-z", base or "HEAD")
    new = _git("ls-files", "--others", "--exclude-standard", "-z")
    if not differing and not new and base is None:
        last, *before = _git("log", "--first-parent", "--max-count=2", "--format=%s", "-z")
        if not before:
            sys.exit(
                "Nothing differs from HEAD, and this clone does not have the commit before it. "
                "In a shallow clone, run: git fetch --deepen=1"
            )
        print(f"nothing differs from HEAD; its last commit: {last}")
        return changed_since("HEAD~1")
    return sorted({*differing, *new})


def _git(*words: str) -> list[str]:
    done = subprocess.run(["git", *words], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return done.stdout.split("\0")[:-1]


def _passes(check: str) -> bool:
    """Run a check, and print its output only if it fails."""
    done = subprocess.run(check.split(), check=False, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def run(tests: Iterable[str]) -> int:
    """Run the tests in these files that are not long; return pytest's status, 0 if all are long."""
    words = [sys.executable, "-m", "pytest", "-m", "not long", *_WITH_WORKERS, *tests]
    status = subprocess.run(words, check=False).returncode
    if status == pytest.ExitCode.NO_TESTS_COLLECTED:
        print("These files contain only long tests. To run them: scripts/test --long")
        return 0
    return status


def _slowness() -> float:
    """The factor by which a worker is slower now than on a quiet machine."""
    running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0]) - 1
    return max(1.0, (min(running, os.getloadavg()[0]) + _WORKERS) / (os.cpu_count() or 1))


def _time_box(text: str) -> int:
    found = re.fullmatch(r"(\d+)([sm]?)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"not a valid duration: {text!r}; try 90s or 5m")
    return int(found[1]) * (60 if found[2] == "m" else 1)


def main(arguments: list[str]) -> int:
    """Choose, check and run tests, and list those not run; return pytest's status."""
    began_s = time.monotonic()
    parser = argparse.ArgumentParser(prog="scripts/test --changed", description=__doc__)
    parser.add_argument("base", nargs="?", help="a commit to compare with, instead of HEAD")
    parser.add_argument("--for", type=_time_box, default=120, dest="box_s", metavar="5m")
    asked = parser.parse_args(arguments)
    changed = changed_since(asked.base)
    texts, imports = read_tree()
    ranks = touched(changed, texts, dependencies(texts, imports))
    seconds = seconds_of(ranks, durations.known())
    failed = [check for check in _CHECKS if not _passes(check)]
    spent_s = time.monotonic() - began_s
    slower = _slowness()
    box_s = (_SHARE_PLANNED * asked.box_s - spent_s) / slower - _STARTING_S
    tests = chosen(ranks, seconds, box_s)
    takes_s = _STARTING_S + sum(seconds[test] for test in tests) / _WORKERS
    named = ", ".join([*changed[:3], "…"][: len(changed)])
    print(
        f"changed: {named} ({len(changed)}); test files that this can touch: {len(ranks)}; "
        f"running the nearest {len(tests)}, about {spent_s + takes_s * slower:.0f} s",
        flush=True,
    )
    status = int(bool(failed))
    if tests:
        status = run(tests) or status
    for check in failed:
        print(f"failed: {check}")
    if left := ranks.keys() - set(tests):
        print(f"not run: {not_run(left)}; scripts/test runs all")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
