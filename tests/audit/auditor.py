"""The auditor: scripts/verify_export.py, called in this process, or run as the auditor runs it."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.audit import bundles
from tests.audit.bundles import Files

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
    """What is wrong with the bundle in that folder, as sentences."""
    return told(folder, keys=keys, witnesses=witnesses, held=held, **asked)["wrong"]


def told(
    folder: Path, *, keys: Any = (), witnesses: Any = (), held: Any = (), **asked: bool
) -> dict[str, list[str]]:
    """All that is said of it; `keys` and `witnesses` as verifier keys, `held` as notes."""
    found = script.verify(
        folder,
        script.Asked(
            [script.Key.read(key, "given", 1) for key in keys],
            [script.Key.read(key, "given", 4) for key in witnesses],
            [script.Checkpoint.read(note, "held") for note in held],
            **asked,
        ),
    )
    return {
        "wrong": [f"{where}: {what}" for where, what in found.wrong],
        "checked": found.checked,
        "unchecked": found.unchecked,
    }


def wrong_in(files: Files, folder: Path, **asked: Any) -> list[str]:
    """What is wrong with these files, written to that folder in place of all that was there."""
    shutil.rmtree(folder, ignore_errors=True)
    return wrong(bundles.write(files, folder), **asked)


def first_in(files: Files, folder: Path, **asked: Any) -> str:
    """The first thing that is wrong with them; there must be one."""
    return wrong_in(files, folder, **asked)[0]


def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own, that finds no library of anybody's."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        check=False,
    )
