"""The how-to guides: each command in them answers what stands below it."""

import re
import shlex
from pathlib import Path

import pytest

from incidents.cli import main

HOW_TO = Path(__file__).parent.parent.parent / "docs" / "how-to"
FILES = {"csv": "history.csv", "toml": "stricter.toml"}
BLOCK = re.compile(r"```(csv|toml|console)\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("page", ["simulate.md", "import.md"])
def test_a_guide_is_true(
    page: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sqlite_url: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)
    ran = 0
    for kind, text in BLOCK.findall((HOW_TO / page).read_text()):
        if kind in FILES:
            Path(FILES[kind]).write_text(text)
            continue
        command, _, expected = text.partition("\n")
        assert command.startswith("$ incidents ")
        assert main(shlex.split(command)[2:]) == 0
        assert plain(capsys.readouterr().out) == without_header(plain(expected))
        ran += 1
    assert ran == 3


def plain(text: str) -> list[list[str]]:
    """The words of each line: a table is drawn on a terminal, and fields come on a pipe."""
    return [line.split() for line in text.splitlines()]


def without_header(lines: list[list[str]]) -> list[list[str]]:
    return [line for line in lines if line[0] != "policy"]
