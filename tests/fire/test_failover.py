"""The failover: the leader's processes are killed; `scripts/fire failover` does worse."""

from pathlib import Path

import pytest

from tests.fire import failover, failover_faults


@pytest.mark.long
def test_after_a_failover_every_surface_acts_again_and_nothing_is_lost(tmp_path: Path) -> None:
    seen = failover.chunk(failover_faults.TURNS.index("process"), tmp_path)
    assert (seen[failover.UNIT], seen["process"]) == (1, 1)
    assert seen["acts acknowledged"] > 50
