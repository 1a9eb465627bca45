"""Whatever is killed, paused or crashed, and whenever: what was acknowledged is done, and once."""

from collections import Counter
from pathlib import Path

from tests.fire import kills

SEED = 20_260_302
ON_SQLITE, ON_POSTGRESQL = 200, 100
"""300 in all; a crash of the server takes as long as many kills."""


def test_what_was_acknowledged_is_done_once_on_a_sqlite_file(tmp_path: Path) -> None:
    assert_put_to_the_test(kills.on_sqlite(SEED, tmp_path, ON_SQLITE), ON_SQLITE)


def test_what_was_acknowledged_is_done_once_on_a_postgresql_that_crashes(tmp_path: Path) -> None:
    figures = kills.on_postgresql(SEED, tmp_path, ON_POSTGRESQL)

    assert_put_to_the_test(figures, ON_POSTGRESQL)
    assert figures["crashes of postgresql"] == ON_POSTGRESQL // kills.KILLS_A_CRASH


def assert_put_to_the_test(figures: Counter[str], wanted: int) -> None:
    """Without these, nothing was."""
    assert figures["kills"] == wanted
    assert figures["pauses past any lease"] >= 1
    assert figures["acts cut short"] >= 1
    assert figures["acts acknowledged"] >= wanted
    for kind in ("clock_lapsed", "site_suspended", "suspension_ended", "order_delivered"):
        assert figures[f"entries {kind}"] >= 1, kind
