"""The README: its commands run for somebody who has nothing yet, in both languages alike."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from incidents.cli import main
from incidents.cli.lazy_group import LazyGroup
from incidents.cli.root import root
from tests.docs import pages

ENGLISH, CHINESE = READMES = (pages.ROOT / "README.md", pages.ROOT / "README.zh-CN.md")
# What sets itself up: the day that scripts/demo plays runs below, and scripts/test runs this.
SCRIPTS = ("scripts/demo", "scripts/test")

_INSTALLED = re.compile(r"'(?:incidents|\.)\[([\w,]+)\]'")
_NAMED = re.compile(r"`(\w+)`")
_AT_ONCE = re.compile(
    r"^    (?:pipx run --spec|uvx --from) '\.\[all\]' incidents (\w+)$", re.MULTILINE
)


# The commands of both are the same: see test_languages.
@pytest.mark.parametrize("readme", [ENGLISH, pytest.param(CHINESE, marks=pytest.mark.long)])
def test_the_commands_run_for_somebody_who_has_nothing_yet(
    readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    pages.run(readme, main, tmp_path, {"HOME": str(tmp_path)}, without=SCRIPTS)
    assert (tmp_path / "data" / "incidents" / "incidents.db").exists()
    assert (tmp_path / "log.jsonl").read_text(encoding="utf-8").count("\n") == 5


def test_the_scripts_that_it_names_are_there_and_can_be_started() -> None:
    assert [script for script in SCRIPTS if not os.access(pages.ROOT / script, os.X_OK)] == []


@pytest.mark.parametrize("readme", READMES)
def test_it_names_each_extra_and_installs_none_that_is_not_there(readme: Path) -> None:
    project = tomllib.loads((pages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = set(project["optional-dependencies"])
    text = readme.read_text(encoding="utf-8")
    installed = {extra for each in _INSTALLED.findall(text) for extra in each.split(",")}
    assert {"all", "postgresql"} <= installed <= extras
    # A witness is not a desk.
    assert extras - set(_NAMED.findall(text)) == {"witness"}


@pytest.mark.parametrize("readme", READMES, ids=lambda readme: readme.name)
def test_what_it_runs_without_an_installation_is_a_command_of_the_program(readme: Path) -> None:
    assert _AT_ONCE.findall(readme.read_text(encoding="utf-8")) == ["demo", "demo"]
    assert isinstance(root, LazyGroup)
    assert "demo" in root.targets


def test_whoever_has_seen_enough_of_the_demonstration_sees_no_traceback(tmp_path: Path) -> None:
    seen, written = os.pipe()
    os.close(seen)
    played = subprocess.run(
        [sys.executable, pages.ROOT / "scripts" / "a_day.py"],
        cwd=pages.ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        stdout=written,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(written)
    assert (played.returncode, played.stderr) == (0, "")


def test_the_demonstrations_day_goes_well(tmp_path: Path) -> None:
    played = subprocess.run(
        [sys.executable, pages.ROOT / "scripts" / "a_day.py"],
        cwd=pages.ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert "Closed under R1: shop.example had 3 violations" in played.stdout
    assert "the tables match the record" in played.stdout
    assert list(tmp_path.iterdir()) == []
