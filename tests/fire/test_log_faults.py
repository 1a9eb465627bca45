"""Faults of the log: consistent whatever is cut off, and nothing signed that was not stored."""

import random
from pathlib import Path

from tests.fire import log_faults
from tests.fire.log_faults import BY_NAME


def test_an_error_or_a_kill_at_a_writing_call_leaves_a_log_that_goes_on(
    memory: Path,
) -> None:
    """All acts, each sync and the way to a server: scripts/fire log_faults --chunks 16."""
    rig = log_faults.Rig(memory)
    figures = log_faults.sample(rig, BY_NAME["key rotate"], random.Random("1 key rotate"), 1)

    assert figures["faults"] + figures["missed"] == 1
