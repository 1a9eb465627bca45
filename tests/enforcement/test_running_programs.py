"""The running programs: listed while they run, and killed with what they have started."""

import shutil
import subprocess
from pathlib import Path

import pytest

from incidents.enforcement import process, running_programs
from incidents.enforcement.running_programs import RunningPrograms
from tests.patience import PATIENCE_S


@pytest.fixture
def sleeping() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "1000"], start_new_session=True)


def test_a_listed_program_is_killed_and_one_that_has_ended_is_not(
    sleeping: subprocess.Popen[bytes],
) -> None:
    programs = RunningPrograms()
    with programs.listed(sleeping.pid):
        assert programs.kill() == [sleeping.pid]
    assert sleeping.wait(PATIENCE_S) == -9
    assert programs.kill() == []


def test_another_program_with_its_number_is_left_alone(
    sleeping: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = RunningPrograms()
    with programs.listed(sleeping.pid):
        found = running_programs.started(sleeping.pid)
        monkeypatch.setattr(running_programs, "started", lambda _: found + 1)
        assert programs.kill() == []
    sleeping.kill()
    assert sleeping.wait(PATIENCE_S) == -9


def test_a_program_that_is_not_to_be_seen_is_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = RunningPrograms()
    monkeypatch.setattr(running_programs, "started", lambda _: 0)
    with programs.listed(1):
        assert programs.kill() == []


def test_a_program_whose_name_is_cut_within_a_character_runs(tmp_path: Path) -> None:
    # Linux keeps fifteen bytes of a name.
    named = tmp_path / "aaaaaaaaaaaaaa\u00fc"
    shutil.copy("/bin/true", named)

    assert process.run([str(named)], timeout_s=10).problem is None
