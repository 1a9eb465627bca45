"""The mutants outside of functions: constants, tables, defaults, and code run at import.

Each is one change to the file itself, tried in a fork that has imported pytest and its company but
nothing of the checkout.
"""

import hashlib
import importlib
import json
import os
import resource
import shutil
import signal
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import Mutation, create_mutations, deep_replace

KNOWN = Path("tables.json")
CPU_SECONDS = 120
"""More than ten times what all the tests take: who needs longer has been led into a loop."""

# Libraries that the tests import, so that each fork has them already.
_COMPANY = ("freezegun", "hypothesis", "sqlalchemy", "transitions")


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change, by the digest of the changed file, with its result."""

    digest: str
    module: str
    line: int
    was: str
    now: str
    status: str


class Tables:
    """The mutants of the folder `machine`; their results stay in a file."""

    def __init__(self, machine: Path, first: tuple[str, ...]) -> None:
        self.machine = machine
        self.known = (
            [Mutant(**each) for each in json.loads(KNOWN.read_text())] if KNOWN.exists() else []
        )
        options = tomllib.loads(Path("pyproject.toml").read_text())["tool"]["mutmut"]
        self._arguments = ["-x", *options["pytest_add_cli_args"]]
        self._tests = Path(options["pytest_add_cli_args_test_selection"][0])
        self._first = first
        self._time = 1_000_000_000

    def hunt(self, modules: list[str], unreached: set[tuple[str, str]]) -> None:
        """Try each change that is new or survived; `unreached` functions are hunted here, too."""
        for name in _COMPANY:
            importlib.import_module(name)
        shutil.rmtree(self.machine / "__pycache__", ignore_errors=True)
        assert self._try(self._tests) == "survived", "the tests fail on the code as it is"
        for path in sorted(self.machine.glob("*.py")):
            if not modules or path.stem in modules:
                self._hunt(path, {name for module, name in unreached if module == path.stem})

    def _hunt(self, path: Path, unreached: set[str]) -> None:
        source = path.read_text()
        before = {each.digest: each for each in self.known if each.module == path.stem}
        others = [each for each in self.known if each.module != path.stem]
        now: dict[str, Mutant] = {}
        try:
            for line, was, became, code in _changes(path, source, unreached):
                digest = hashlib.sha256(code.encode()).hexdigest()
                mutant = before.get(digest)
                if mutant is None or mutant.status == "survived":
                    self._write(path, code)
                    mutant = Mutant(digest, path.stem, line, was, became, self._verdict(path.stem))
                    print(f"{mutant.status:<9} {path.stem}:{line} {was} -> {became}", flush=True)
                now[digest] = mutant
                self._keep([*others, *(before | now).values()])
            self._keep([*others, *now.values()])
        finally:
            self._write(path, source)

    def _keep(self, known: list[Mutant]) -> None:
        self.known = known
        KNOWN.write_text(json.dumps([asdict(each) for each in known], indent=1))

    def _write(self, path: Path, code: str) -> None:
        """Write the file with a new time, or the code compiled before would run."""
        path.write_text(code)
        self._time += 1
        os.utime(path, (self._time, self._time))

    def _verdict(self, module: str) -> str:
        """Ask the tests that see the most or bear the module's name; if none fails, all."""
        few = [*(self._tests / f"{name}.py" for name in self._first),
               *sorted(self._tests.glob(f"test_*{module}*.py"))]  # fmt: skip
        verdict = self._try(*few)
        return self._try(self._tests) if verdict == "survived" else verdict

    def _try(self, *tests: Path) -> str:
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            os._exit(int(pytest.main([*self._arguments, *map(str, tests)])))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGXCPU:
            return "timeout"
        return "survived" if code == 0 else "killed"


def _changes(path: Path, source: str, unreached: set[str]) -> Iterator[tuple[int, str, str, str]]:
    """Each change outside of the functions that tests reach: line, what was, what is, the file."""
    module, mutations, _, _ = create_mutations(str(path), source)
    positions = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    for mutation in mutations:
        if not _reached(mutation, unreached):
            changed = deep_replace(module, mutation.original_node, mutation.mutated_node)
            assert isinstance(changed, cst.Module)
            line = positions[mutation.original_node].start.line
            yield line, _text(mutation.original_node), _text(mutation.mutated_node), changed.code


def _reached(mutation: Mutation, unreached: set[str]) -> bool:
    inside = mutation.contained_by_top_level_function
    if not isinstance(inside, cst.FunctionDef):
        return False
    # mutmut writes `x_name` and `xǁClassǁname`.
    return inside.name.value not in {
        name.rpartition("ǁ")[2].removeprefix("x_") for name in unreached
    }


def _text(node: cst.CSTNode) -> str:
    return " ".join(cst.Module([]).code_for_node(node).split())
