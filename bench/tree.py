"""A tree: one commit's files with a Python to run them, measured by its own `bench/`."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Document = dict[str, Any]

_REQUIREMENTS = Path("requirements", "bench.txt")
_CATALOGUES = Path("scripts", "catalogues.py")

# Where the tree's code comes from: in a process of its own, in a program that it starts, and in a
# worker that it spawns. An editable installation of another checkout is on the path of each.
_PROBE = """
import json, subprocess, sys
from bench import program, scenarios
try:
    from bench import workers
except ImportError:
    from bench import crew as workers  # the name in older trees
import incidents
WHERE = "__import__('bench').__file__, __import__('incidents').__file__"
if __name__ == "__main__":
    started = [sys.executable, "-c", f"print(*({WHERE}), sep=chr(10))"]
    files = [
        scenarios.__file__, incidents.__file__, *workers.alone(eval, WHERE),
        *subprocess.check_output(started, env=program.environment(), text=True).splitlines(),
    ]
    print(json.dumps({"files": files, "scenarios": scenarios.NAMES}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A folder with `bench/` and `incidents/`, and the Python that runs them."""

    root: Path
    python: str

    def scenarios(self) -> tuple[str, ...]:
        """The scenarios that its bench knows.

        Raises:
            RuntimeError: if it has no bench that runs, or the code of another tree would run.
        """
        done = subprocess.run(
            [self.python, "-c", _PROBE], cwd=self.root, env=self.environment(), check=False,
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"the bench of {self.root} does not run:\n{done.stderr}")
        found = json.loads(done.stdout)
        for file in found["files"]:
            if not Path(file).resolve().is_relative_to(self.root.resolve()):
                raise RuntimeError(f"{self.root} would be measured with {file}")
        return tuple(found["scenarios"])

    def compile(self) -> None:
        """Compile its modules, so that no measured process has to, and its catalogues."""
        self._run("compileall", "-q", "bench", "incidents")
        if (self.root / _CATALOGUES).exists():
            # Compiled catalogues are not committed, so a commit's files are without them.
            self._run("scripts.catalogues")

    def measure(
        self, scenario: str, options: Sequence[str], folder: Path, within_s: float
    ) -> Document:
        """One round of a scenario without peers: the results of its bench.

        What does not work is a failure in the results. `folder` is for files that are made here.

        Raises:
            TimeoutError: if it was still running after `within_s`, and was stopped.
        """
        file, journal = folder / "results.json", folder / "journal"
        file.unlink(missing_ok=True)
        with journal.open("wb") as told:
            # An interrupt at the terminal reaches this process alone, which passes on one signal.
            process = subprocess.Popen(
                [
                    self.python, "-m", "bench", scenario, "--only-ours", "--rounds", "1",
                    "--json", file, *options,
                ],
                cwd=self.root, env=self.environment(), start_new_session=True,
                stdout=told, stderr=told,
            )  # fmt: skip
        try:
            status = process.wait(within_s)
        except BaseException as reason:
            # It stops its server and deletes its databases; killed, it would leave both.
            process.terminate()
            process.wait()
            if isinstance(reason, subprocess.TimeoutExpired):
                raise TimeoutError(f"{scenario} was stopped after {within_s:.0f} s") from None
            raise
        if file.exists():
            results: Document = json.loads(file.read_text(encoding="utf-8"))
            return results
        last = journal.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        error = "".join(last) or f"exited with status {status} without any output"
        failed = [{"contender": scenario, "error": error}]
        return {"trials": [_nothing(scenario) | {"failed": failed}]}

    def _run(self, module: str, *words: str) -> None:
        subprocess.run(
            [self.python, "-m", module, *words], cwd=self.root, check=True,
            stdout=subprocess.DEVNULL, env=self.environment(),
        )  # fmt: skip

    def environment(self) -> dict[str, str]:
        """In which its own code is found before any that is installed."""
        return {**os.environ, "PYTHONPATH": str(self.root)}


def python_for(then: Path, now: Path) -> tuple[str, str]:
    """A Python with the libraries that the tree `then` pins, and which one it is, in words."""
    theirs, ours = (_pins(root / _REQUIREMENTS) for root in (then, now))
    if theirs <= ours:
        more = len(ours - theirs)
        return sys.executable, "the same libraries" + (f", and {more} more" if more else "")
    folder = now / f".venv-bench-{_digest(then / _REQUIREMENTS)}"
    return _venv(folder, then / _REQUIREMENTS), f"its own libraries, in {folder.name}"


def _pins(requirements: Path) -> set[str]:
    """`name==version` and a condition if there is one, without the hashes."""
    lines = requirements.read_text(encoding="utf-8").splitlines()
    return {line.removesuffix(" \\") for line in lines if "==" in line and line[0] not in " #"}


def _digest(requirements: Path) -> str:
    return hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]


def _venv(folder: Path, requirements: Path) -> str:
    """The Python of a virtual environment, which is made if it is not there, or was moved."""
    python, made = folder / "bin" / "python", folder / "made-at"
    if not made.exists() or made.read_text(encoding="utf-8") != str(folder):
        print(f"making {folder.name}", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        install = ["-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(requirements)]
        subprocess.run([str(python), *install], check=True)
        made.write_text(str(folder), encoding="utf-8")
    return str(python)


def _nothing(scenario: str) -> Document:
    return {"scenario": scenario, "database": "", "title": "could not be run", "rows": []}
