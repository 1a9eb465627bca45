"""The README: its commands run for somebody who has nothing yet, in both languages alike."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from incidents.cli import main
from tests.docs import pages

ENGLISH, CHINESE = READMES = (pages.ROOT / "README.md", pages.ROOT / "README.zh-CN.md")
# What sets itself up: the day that scripts/demo plays runs below, and scripts/test runs this.
SCRIPTS = ("scripts/demo", "scripts/test")

_BLOCK = re.compile(r"^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)]+)\)")
_EXTRA = re.compile(r"'\.\[(\w+)\]'")


# The commands of both are the same: see the next test.
@pytest.mark.parametrize("readme", [ENGLISH, pytest.param(CHINESE, marks=pytest.mark.long)])
def test_the_commands_run_for_somebody_who_has_nothing_yet(
    readme: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CONFIG", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    pages.run(readme, main, tmp_path, {"HOME": str(tmp_path)}, without=SCRIPTS)
    assert (tmp_path / "data" / "incidents" / "incidents.db").exists()
    assert (tmp_path / "log.jsonl").read_text(encoding="utf-8").count("\n") == 5


def test_both_languages_have_the_same_commands() -> None:
    commands = [
        [typed.command for typed in pages.read(readme) if isinstance(typed, pages.Typed)]
        for readme in READMES
    ]
    assert commands[0] == commands[1]
    assert len(commands[0]) == 19


def test_both_languages_have_the_same_sections_blocks_and_links() -> None:
    english, chinese = (readme.read_text(encoding="utf-8") for readme in READMES)
    assert _HEADING.findall(english) == _HEADING.findall(chinese)
    assert [block["kind"] for block in _BLOCK.finditer(english)] == [
        block["kind"] for block in _BLOCK.finditer(chinese)
    ]
    others = {"README.md", "README.zh-CN.md"}
    assert set(_LINK.findall(english)) - others == set(_LINK.findall(chinese)) - others


def test_the_scripts_that_it_names_are_there_and_can_be_started() -> None:
    assert [script for script in SCRIPTS if not os.access(pages.ROOT / script, os.X_OK)] == []


def test_the_extras_that_it_installs_are_the_packages_own() -> None:
    project = tomllib.loads((pages.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set(_EXTRA.findall(ENGLISH.read_text(encoding="utf-8")))
    # A witness is not a desk.
    assert named == set(project["optional-dependencies"]) - {"witness"}
    assert {"postgresql", "webhook"} <= named


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
