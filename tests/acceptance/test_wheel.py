"""The wheel, installed away from the checkout, brings all that the program needs."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel's contents, as an installation does."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", folder, ROOT], check=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as contents:
        contents.extractall(folder / "site")
    return folder / "site"


@pytest.mark.long
def test_an_installed_wheel_upgrades_a_database_and_works_outside_the_checkout(
    installed: Path, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/incidents.db"
    environment = os.environ | {"PYTHONPATH": str(installed), "INCIDENTS_DB": url}

    def incidents(*args: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "incidents", *args]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    for args in (["db", "upgrade"], ["db", "check"], ["site", "add", "shop.example"]):
        done = incidents(*args)
        assert done.returncode == 0, done.stderr
    logged = incidents("log", "shop.example", "-q")
    assert (logged.returncode, logged.stdout) == (0, "1-1\n")
    where = [sys.executable, "-c", "import alembic, incidents; print(incidents.__file__)"]
    found = subprocess.run(
        where, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(installed))
