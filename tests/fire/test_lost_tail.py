"""The lost tail: each way back once; `scripts/fire lost_tail` does the same for hours."""

from pathlib import Path

import pytest

from tests.fire import lost_tail


@pytest.mark.long
@pytest.mark.parametrize("seed", range(len(lost_tail.WAYS)), ids=lost_tail.WAYS)
def test_whatever_way_the_end_is_lost_world_record_and_log_agree_again(
    seed: int, tmp_path: Path
) -> None:
    assert lost_tail.chunk(seed, tmp_path)[lost_tail.UNIT] == 1
