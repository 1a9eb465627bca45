"""The mutants of `incidents/machine`: made, hunted by the tests of `tests/machine`, and counted.

All happens in `.mutants`, a copy of the checkout that keeps what is known of each mutant: a run
that is stopped goes on there, a function that changed is hunted afresh, and so is each survivor,
since a test may have been written for it. Two hunts follow one another:

`functions`: mutmut puts all mutants of a function beside it and chooses one in a forked process.
It leaves decorated functions alone, and here most changes to a case are such: so in the copy
`@on(Kind)` before a function becomes `name = on(Kind)(name)` behind it, which means the same.

`tables`: what stands outside of functions, or runs while a module is imported, mutmut does not
reach. The same operators change it, one at a time, in the file itself (`mutant_tables.py`).
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import libcst as cst
from mutant_tables import Tables
from mutmut.stats import status_by_exit_code

WORK = Path(".mutants")
MACHINE = Path("incidents/machine")
COPIED = ("incidents", "tests", "pyproject.toml")

# Most mutants break these assertions: run first, they answer for the others.
FIRST = ("test_site_records", "test_incident_records", "test_case_values")

# Kept between calls, results would outlive the mutant that they were computed with.
_MEMOISING = ("cache", "lru_cache")


def main() -> None:
    """Hunt as the command line says, and print the figures."""
    parser = argparse.ArgumentParser(
        prog="scripts/mutate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "--only", choices=["functions", "tables", "figures"], help="one hunt, or none"
    )
    parser.add_argument("--children", type=int, default=1, metavar="N", help="processes of mutmut")
    parser.add_argument("module", nargs="*", help="of incidents/machine, without .py; else all")
    asked = parser.parse_args()
    prepare()
    os.chdir(WORK)
    # The examples that Hypothesis draws are the same in each run, or the figures are luck.
    os.environ["HYPOTHESIS_PROFILE"] = "deep"
    if asked.only in (None, "functions"):
        hunt_functions(asked.children, asked.module)
    tables = Tables(MACHINE, FIRST)
    if asked.only in (None, "tables"):
        tables.hunt(asked.module, unreached())
    print_figures(tables)


def prepare() -> None:
    """Bring the copy up to date; unchanged files stay untouched, with their time."""
    WORK.mkdir(exist_ok=True)
    (WORK / ".gitignore").write_text("*\n")
    wanted = {path: opened(path) for path in _sources()}
    for found in [path for name in COPIED[:2] for path in (WORK / name).rglob("*.py")]:
        if found.relative_to(WORK) not in wanted:
            found.unlink()
            (WORK / "mutants" / found.relative_to(WORK)).unlink(missing_ok=True)
    for path, content in wanted.items():
        copy = WORK / path
        if not copy.exists() or copy.read_bytes() != content:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(content)


def _sources() -> Iterator[Path]:
    for name in COPIED:
        root = Path(name)
        for path in [root] if root.is_file() else sorted(root.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path


def opened(path: Path) -> bytes:
    """The file, with the decorators of the machine's functions moved behind them as plain calls."""
    content = path.read_bytes()
    if path.parent != MACHINE or path.suffix != ".py":
        return content
    return cst.parse_module(content).visit(_Opening()).bytes


class _Opening(cst.CSTTransformer):
    def leave_FunctionDef(  # noqa: N802 -- the library's name
        self, _: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FunctionDef | cst.FlattenSentinel[cst.BaseStatement]:
        name = updated_node.name.value
        calls = []
        for decorator in reversed(updated_node.decorators):
            code = cst.Module([]).code_for_node(decorator.decorator)
            if code.partition("(")[0] not in _MEMOISING:
                calls.append(cst.parse_statement(f"{name} = {code}({name})"))
        return cst.FlattenSentinel([updated_node.with_changes(decorators=()), *calls])


def hunt_functions(children: int, modules: list[str]) -> None:
    """Let mutmut hunt what it has not decided, survivors included."""
    for path, known in metas():
        status = known["exit_code_by_key"]
        known["exit_code_by_key"] = {
            name: code if status_by_exit_code[code] == "killed" else None
            for name, code in status.items()
        }
        path.write_text(json.dumps(known))
    undecided = [name for name, status in functions().items() if status == "not checked"]
    named = [name for name in undecided if not modules or of(name)[0] in modules]
    if modules and not named and undecided:
        return
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(children)]
    subprocess.run([*command, *(named if modules else ())], check=True)


def metas() -> Iterator[tuple[Path, dict[str, dict[str, int | None]]]]:
    """The results of mutmut, by file."""
    for path in sorted(("mutants" / MACHINE).glob("*.meta")):
        yield path, json.loads(path.read_text())


def functions() -> dict[str, str]:
    """The status of each mutant of a function, by its name."""
    return {
        name: status_by_exit_code[code]
        for _, known in metas()
        for name, code in known["exit_code_by_key"].items()
    }


def of(name: str) -> tuple[str, str]:
    """The module and the function of a mutant's name; for a method, with its class."""
    module, _, mutant = name.removeprefix("incidents.machine.").rpartition(".")
    return module, mutant.rpartition("__mutmut_")[0]


def unreached() -> set[tuple[str, str]]:
    """The functions without a killed mutant: they run while a module is imported, or never.

    mutmut imports the modules once, before it chooses a mutant.
    """
    decided = {of(name) for name, status in functions().items() if status != "not checked"}
    return decided - {of(name) for name, status in functions().items() if status == "killed"}


def print_figures(tables: Tables) -> None:
    """Print what was made, killed and left, by module, and then each survivor."""
    left = unreached()
    found = {name: status for name, status in functions().items() if of(name) not in left}
    both = [(of(name)[0], status) for name, status in found.items()]
    both += [(each.module, each.status) for each in tables.known]
    counts = Counter(both)
    kinds = sorted({status for _, status in counts})
    print(f"\n{'module':<20}{'made':>8}" + "".join(f"{kind:>13}" for kind in kinds))
    for module in [*sorted({module for module, _ in counts}), "all"]:
        row = [sum(n for (m, k), n in counts.items() if module in (m, "all") and k == kind)
               for kind in kinds]  # fmt: skip
        print(f"{module:<20}{sum(row):>8}" + "".join(f"{n:>13}" for n in row))
    print()
    for name, status in found.items():
        if status != "killed":
            print(f"{status}: {name}")
            shown = subprocess.run(
                [sys.executable, "-m", "mutmut", "show", name],
                capture_output=True,
                text=True,
                check=True,
            )
            print("".join(f"    {line}\n" for line in shown.stdout.splitlines() if changed(line)))
    for each in tables.known:
        if each.status != "killed":
            print(f"{each.status}: {each.module}, line {each.line}")
            print(f"    -{each.was}\n    +{each.now}")


def changed(line: str) -> bool:
    """Whether a line of a diff is an added or a removed one."""
    return line[:1] in ("-", "+") and line[:3] not in ("---", "+++")


if __name__ == "__main__":
    main()
