"""What came of attempts: by adapter and outcome, and how long it took to be carried out."""

from datetime import timedelta

import pytest

from incidents.enforcement.dispatcher import AttemptResult
from incidents.enforcement.port import Delivered, Failed, Outcome, Retry, Skipped
from incidents.metrics.samples import Histogram, Samples, Value
from incidents.metrics.tail import MAX_ADAPTERS, AttemptCounters
from incidents.store.leases import Claimed
from tests.desk.rehearsal import TEN

NOW = TEN + timedelta(seconds=3)


def done(outcome: Outcome | None, adapter: str = "panel", lane: str = "act") -> AttemptResult:
    claimed = Claimed(
        site_id=1, site="shop.example", seq=4, lane=lane, kind="suspend", data={}, ordered_at=TEN,
        since=TEN, attempt=1, taken_at=TEN, until=TEN, held_by="one", in_force="active",
    )  # fmt: skip
    return AttemptResult(claimed, adapter, outcome)


def samples_of(counters: AttemptCounters) -> Samples:
    found = Samples()
    counters.add_to(found)
    return found


def attempts(counters: AttemptCounters) -> dict[tuple[str, ...], Value]:
    return dict(samples_of(counters).of("incidents_order_attempts_total"))


def durations(counters: AttemptCounters, lane: str) -> Histogram:
    found = samples_of(counters).of("incidents_order_delivery_seconds")[lane,]
    assert isinstance(found, Histogram)
    return found


def test_each_outcome_of_an_adapter_is_counted_and_the_others_are_nought() -> None:
    counters = AttemptCounters()
    for outcome in (Delivered(), Delivered(), Retry(problem="http_503")):
        counters.observe(done(outcome), NOW)
    counters.observe(done(Failed(problem="http_410"), "mail", "notice"), NOW)

    assert attempts(counters) == {
        ("act", "panel", "delivered"): 2, ("act", "panel", "retry"): 1,
        ("act", "panel", "failed"): 0, ("act", "panel", "skipped"): 0,
        ("notice", "mail", "delivered"): 0, ("notice", "mail", "retry"): 0,
        ("notice", "mail", "failed"): 1, ("notice", "mail", "skipped"): 0,
    }  # fmt: skip


def test_an_attempt_that_was_not_made_is_none() -> None:
    counters = AttemptCounters()
    counters.observe(done(None), NOW)
    assert attempts(counters) == {}


def test_what_no_adapter_was_asked_for_is_nobodys() -> None:
    counters = AttemptCounters()
    counters.observe(done(Skipped(why="expired"), ""), NOW)
    assert attempts(counters)["act", "none", "skipped"] == 1


def test_only_what_is_carried_out_has_taken_its_time_by_lane() -> None:
    counters = AttemptCounters()
    counters.observe(done(Delivered()), NOW)
    counters.observe(done(Delivered(), "mail", "notice"), TEN + timedelta(hours=1))
    counters.observe(done(Retry(problem="x")), NOW)
    assert (durations(counters, "act").count, durations(counters, "act").sum_s) == (1, 3)
    assert (durations(counters, "notice").count, durations(counters, "notice").sum_s) == (1, 3600)
    assert durations(counters, "desk").count == 0


@pytest.mark.parametrize("more", [0, 1, 500])
def test_adapters_without_end_do_not_make_labels_without_end(more: int) -> None:
    counters = AttemptCounters()
    for n in range(MAX_ADAPTERS + more):
        counters.observe(done(Delivered(), f"site-{n}.example"), NOW)
    found = attempts(counters)
    assert len({adapter for _, adapter, _ in found}) == MAX_ADAPTERS + bool(more)
    assert found.get(("act", "other", "delivered"), 0) == more
