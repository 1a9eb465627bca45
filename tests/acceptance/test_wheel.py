"""The wheel, installed away from the checkout by each tool, brings all that the program needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from incidents import __version__, installation

ROOT = Path(__file__).parents[2]
PYTHON = sys.executable


def run(
    *command: str | Path, cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """What a command does in the folder, with that environment and no other path to the code."""
    own = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=cwd, env={**own, **environment}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, made from its source distribution."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [PYTHON, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    [made] = folder.glob("*.whl")
    return made


def made_by_pip(folder: Path, spec: str, environment: Mapping[str, str]) -> Path:
    made = run(PYTHON, "-m", "venv", "env", cwd=folder, environment=environment)
    assert made.returncode == 0, made.stderr
    install(["env/bin/pip", "install", "--quiet", spec], folder, environment)
    return folder / "env/bin"


def made_by_pipx(folder: Path, spec: str, environment: Mapping[str, str]) -> Path:
    install([PYTHON, "-m", "pipx", "install", "--python", PYTHON, spec], folder, environment)
    return folder / "bin"


def made_by_uv(folder: Path, spec: str, environment: Mapping[str, str]) -> Path:
    install([PYTHON, "-m", "uv", "tool", "install", "--python", PYTHON, spec], folder, environment)
    return folder / "bin"


def install(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = run(*command, cwd=folder, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr


def index_of_uv() -> dict[str, str]:
    """Where pip is told to find packages, which may be a mirror; uv does not read that."""
    asked = [PYTHON, "-m", "pip", "config", "get", "global.index-url"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    index = os.environ.get("PIP_INDEX_URL") or told
    return {"UV_DEFAULT_INDEX": index} if index else {}


MADE_BY = {"pip": made_by_pip, "pipx": made_by_pipx, "uv": made_by_uv}


@pytest.mark.long
@pytest.mark.parametrize("tool", MADE_BY)
def test_each_tool_installs_a_program_that_names_its_commit_and_the_command_for_an_extra(
    tool: str, wheel: Path, tmp_path: Path
) -> None:
    # What is downloaded stays in the user's own caches.
    environment = {
        "INCIDENTS_DB": f"sqlite:///{tmp_path}/incidents.db", "XDG_CONFIG_HOME": str(tmp_path),
        "PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_MAN_DIR": str(tmp_path / "man"), "UV_TOOL_DIR": str(tmp_path / "uv"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"), **index_of_uv(),
    }  # fmt: skip
    programs = MADE_BY[tool](tmp_path, str(wheel), environment)

    def incidents(*args: str) -> subprocess.CompletedProcess[str]:
        return run(programs / "incidents", *args, cwd=tmp_path, environment=environment)

    version = incidents("--version").stdout
    commit = installation.commit_of(ROOT)
    assert re.fullmatch(rf"incidents {__version__} \(commit {commit}(, changed)?\)\n", version)
    for args in (["db", "upgrade"], ["db", "check"], ["site", "add", "shop.example"]):
        done = incidents(*args)
        assert done.returncode == 0, done.stderr
    logged = incidents("log", "shop.example", "-q")
    assert (logged.returncode, logged.stdout) == (0, "1-1\n")
    assert incidents("audit", "replay").returncode == 0

    # What is missing is said with a command, which brings it.
    refused = incidents("metrics")
    assert refused.returncode == 1
    [command] = re.findall(
        rf"(?:with|,) ({tool}(?: tool)? install [^,]*?)(?:, pipx .*)?$", refused.stderr.strip()
    )
    program, *rest = command.replace("'", "").split()
    typed = [programs / "pip"] if tool == "pip" else [PYTHON, "-m", program]
    done = run(*typed, *rest, cwd=tmp_path, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "incidents_up 1" in incidents("metrics").stdout
