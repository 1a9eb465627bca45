"""72 hours of downtime, on a smaller backlog: in order, and nothing and nobody is left out."""

from pathlib import Path

from tests.fire.downtime import check, come_back

CLOCKS = 1_000


def test_after_72_hours_all_is_done_in_the_order_of_the_due_times(
    sqlite_url: str, tmp_path: Path
) -> None:
    done = come_back(sqlite_url, tmp_path, CLOCKS)

    check(done)
    backlog = done.backlog
    lapses = len(backlog.names) - len(backlog.reopening) + 2 * len(backlog.several)
    reopenings = len(backlog.reopening) + len(backlog.together) + len(backlog.after)
    assert done.kinds["clock_lapsed"] == lapses
    assert done.kinds["suspension_ended"] == reopenings
    assert lapses + reopenings == CLOCKS
    assert done.kinds["site_closed"] == len(backlog.last_miss)
    assert len(done.batches()) > 1
