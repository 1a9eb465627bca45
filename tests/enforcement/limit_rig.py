"""A concurrency limit without a dispatcher: a clock for it, and orders that come into it."""

from datetime import UTC, datetime

from incidents.enforcement import order_payload
from incidents.enforcement.dispatcher import AttemptResult, ConcurrencyLimit
from incidents.enforcement.port import Delivered, Outcome
from incidents.machine.orders import ACT
from incidents.store.leases import Claimed

WORKERS, HANDS, SHARE = 4, 64, 16
"""Four threads with sixteen attempts in line each, and a quarter of them for one adapter."""

_NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)
_DONE = Delivered()


class Seconds:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def claimed(site: int) -> Claimed:
    """The first order of a site."""
    return Claimed(
        site_id=site, site=f"site-{site}.example", seq=2, lane=ACT, kind="suspend", data={},
        ordered_at=_NOW, since=_NOW, attempt=1, taken_at=_NOW, until=_NOW,
        held_by="one", in_force="active",
    )  # fmt: skip


def take(hands: ConcurrencyLimit, adapter: str, many: int) -> None:
    """Take that many in hand."""
    for site in range(many):
        own = claimed(site)
        hands.acquire(own, order_payload.as_first_attempt(own, own.lane, 0), adapter, 0.0)


def free(
    hands: ConcurrencyLimit, adapter: str, many: int, *, outcome: Outcome | None = _DONE
) -> None:
    """Finish the first `many` of them with this outcome."""
    for site in range(many):
        hands.release(AttemptResult(claimed(site), adapter, outcome))


def finish(
    hands: ConcurrencyLimit, adapter: str, many: int, *, outcome: Outcome | None = _DONE
) -> None:
    """Take that many in hand, and finish each with this outcome."""
    take(hands, adapter, many)
    free(hands, adapter, many, outcome=outcome)
