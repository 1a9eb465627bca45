"""Whatever is killed, paused or crashed, and whenever: what was acknowledged is done, and once."""

from collections import Counter
from pathlib import Path

from tests.fire import kills
from tests.fire.kills import Doses

SEED = 20_260_302
FEW = Doses(10, to_a_long_pause=1_000, to_a_crash=6, thought_s=0.3)


def test_what_was_acknowledged_is_done_once_on_a_sqlite_file(tmp_path: Path) -> None:
    assert_put_to_the_test(kills.on_sqlite(SEED, tmp_path, FEW), FEW)


def test_what_was_acknowledged_is_done_once_on_a_postgresql_that_crashes(tmp_path: Path) -> None:
    figures = kills.on_postgresql(SEED, tmp_path, FEW)

    assert_put_to_the_test(figures, FEW)
    assert figures["crashes of postgresql"] >= 1


def assert_put_to_the_test(figures: Counter[str], doses: Doses) -> None:
    """Without these, nothing was: the run goes on until each was seen."""
    assert figures["kills"] >= doses.kills
    assert figures["pauses"] >= 1
    assert figures["pauses past any lease"] >= doses.kills // doses.to_a_long_pause
    assert figures["acts cut short"] >= 1
    assert figures["acts acknowledged"] >= 1
    for kind in kills.WANTED:
        assert figures[f"entries {kind}"] >= 1, kind
