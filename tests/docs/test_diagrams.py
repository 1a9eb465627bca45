"""The diagrams in the documentation are drawn from the tables.

`python -m tests.docs.test_diagrams` draws them again.
"""

import re
from pathlib import Path

import pytest

from incidents.cli import main
from incidents.machine.diagram import MACHINES, mermaid

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "state-machines.md"
_BLOCK = re.compile(
    r"(<!-- incidents policy graph --machine (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL
)


def _drawn(text: str) -> str:
    return _BLOCK.sub(
        lambda block: f"{block[1]}\n```mermaid\n{mermaid(block[2])}\n```\n\n{block[4]}",
        text,
    )


def test_the_page_shows_both_machines_as_the_tables_have_them() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [block[1] for block in _BLOCK.findall(text)] == list(MACHINES)
    assert text == _drawn(text), "draw them again: python -m tests.docs.test_diagrams"


@pytest.mark.parametrize("machine", MACHINES)
def test_the_command_prints_what_the_page_shows(
    machine: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["policy", "graph", "--machine", machine]) == 0
    assert f"```mermaid\n{capsys.readouterr().out}```\n" in PAGE.read_text(encoding="utf-8")


if __name__ == "__main__":
    PAGE.write_text(_drawn(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
