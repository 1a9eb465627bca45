"""The auditor: scripts/verify_export.py, called in this process, or run as the auditor runs it."""

import importlib.util
import io
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any

from tests.audit import bundles, verifying
from tests.audit.bundles import Files
from tests.patience import PATIENCE_S

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_export.py"


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_export", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look for the module that they are in.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script: Any = _load()


def wrong(
    folder: Path, *, keys: object = (), witnesses: object = (), held: object = (), **asked: bool
) -> list[str]:
    """The errors in the bundle in that folder, as sentences."""
    return told(folder, keys=keys, witnesses=witnesses, held=held, **asked)["wrong"]


def told(
    folder: Path, *, keys: Any = (), witnesses: Any = (), held: Any = (), **asked: bool
) -> dict[str, list[str]]:
    """All that is said of it; `keys` and `witnesses` as verifier keys, `held` as notes."""
    found = script.verify(
        folder,
        script.Known(
            [script.Key.read(key, "given", 1) for key in keys],
            [script.Key.read(key, "given", 4) for key in witnesses],
            [script.Checkpoint.read(note, "held") for note in held],
            **asked,
        ),
    )
    return {
        "missing": [f"{where}: {what}" for where, what in found.missing],
        "wrong": verifying.plain([f"{where}: {what}" for where, what in found.wrong]),
        "checked": found.checked,
        "unchecked": found.unchecked,
    }


def first_in(files: Files, folder: Path, **asked: Any) -> str:
    """The first thing that is wrong with these files, written in place of all that was there."""
    return wrong(bundles.rewrite(files, folder), **asked)[0]


def run(*arguments: str | Path, cwd: Path | None = None) -> CompletedProcess[str]:
    """Run the command in this process and return its answer."""
    words, out, err = [*map(str, arguments)], io.StringIO(), io.StringIO()
    with chdir(cwd or Path.cwd()), redirect_stdout(out), redirect_stderr(err):
        try:
            status = script.main(words)
        except SystemExit as ended:
            status = ended.code
    return CompletedProcess(words, status, out.getvalue(), err.getvalue())


def process(
    *arguments: str | Path, cwd: Path | None = None, python: str = sys.executable
) -> CompletedProcess[str]:
    """The same of a process of its own, as the auditor runs it, that finds nobody's library."""
    return subprocess.run(
        [python, "-I", "-S", str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=PATIENCE_S,
        check=False,
    )
