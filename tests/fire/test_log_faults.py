"""Faults of the log: consistent whatever is cut off, and nothing signed that was not stored."""

import os
import random
import shutil
from collections.abc import Iterator

import pytest

from tests.databases import memory_folder
from tests.fire import log_faults
from tests.fire.log_faults import BY_NAME


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[log_faults.Rig]:
    folder = tmp_path_factory.mktemp("log-faults")
    if (memory := memory_folder()) is not None:
        folder = memory / f"incidents-log-faults-{os.getpid()}"
        folder.mkdir()
    yield log_faults.Rig(folder)
    shutil.rmtree(folder)


def test_an_error_or_a_kill_at_a_writing_call_leaves_a_log_that_goes_on(
    rig: log_faults.Rig,
) -> None:
    """All acts, each sync and the way to a server: scripts/fire log_faults --chunks 16."""
    figures = log_faults.sample(rig, BY_NAME["key rotate"], random.Random("1 key rotate"), 1)

    assert figures["faults"] + figures["missed"] == 1
