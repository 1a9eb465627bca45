"""The umask: what a process makes is private, and an operator's own programs keep theirs."""

import os

import pytest

from incidents.enforcement.process import run
from incidents.system import umask


def test_an_operators_own_program_keeps_the_umask_that_the_process_was_started_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(umask, "_initial", [])
    before = os.umask(0o027)
    try:
        umask.set_private()
        umask.set_private()
        own = run(["/bin/sh", "-c", "umask"], timeout_s=30).lines
    finally:
        ours = os.umask(before)

    assert own == ["0027"]
    assert ours == umask.PRIVATE
