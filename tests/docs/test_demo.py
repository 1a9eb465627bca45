"""The demonstration plays through at a terminal too, and asks nothing."""

import io
import sys
from pathlib import Path

import pytest

from scripts import a_day


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_day_at_the_desk_plays_through_at_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("INCIDENTS_DB", "INCIDENTS_AS", "INCIDENTS_ZONE"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    monkeypatch.setattr(sys, "stdin", Keyboard())
    steps = [step for step in a_day.play(tmp_path, terminal=True) if step.command]
    assert [step.command for step in steps if step.status != 0] == []
    assert "closed (R1" in steps[-6].printed
