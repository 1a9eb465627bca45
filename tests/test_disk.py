"""The disk: who has a file to themselves."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from incidents import disk


def test_who_waits_for_a_lock_has_it_once_it_is_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, waited = tmp_path / "lock", []
    with ExitStack() as other:
        other.enter_context(disk.locked(file, 0.0))

        def sleep(seconds: float) -> None:
            waited.append(seconds)
            if len(waited) == 3:
                other.close()

        monkeypatch.setattr("incidents.disk.time.sleep", sleep)
        with disk.locked(file, 60.0):
            assert len(waited) == 3


def test_who_has_waited_long_enough_for_a_lock_is_told_that_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr("incidents.disk.time.sleep", waited.append)
    with disk.locked(tmp_path / "lock", 0.0):
        with pytest.raises(BlockingIOError), disk.locked(tmp_path / "lock", 5.0):
            pass

        assert sum(waited) == pytest.approx(5.0)
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
