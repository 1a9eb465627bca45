"""Orders for an adapter, and their outcomes in a few words."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incidents.enforcement.port import Failed, Order, Outcome, Retry

SITE = "shop.example"
DAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ORDER = Order(
    id="12-o45", kind="suspend", lane="act", site=SITE, site_id=12, seq=45, attempt=3,
    ordered_at=datetime(2026, 3, 1, 2, 50, 0, 5, tzinfo=UTC), rule="unreachable",
    incident="12-3", suspension="12-s1", until=datetime(2026, 3, 1, 14, 50, tzinfo=UTC),
)  # fmt: skip
"""A suspension with every field set."""


def order(kind: str = "suspend", seq: int = 1, site: str = SITE, **more: Any) -> Order:
    """An order of site 1; each is given an hour after the one before it."""
    own: dict[str, Any] = {"lane": "act", "ordered_at": DAY + timedelta(hours=seq)}
    return Order(id=f"1-o{seq}", kind=kind, site=site, site_id=1, seq=seq, **own | more)


def problem(outcome: Outcome) -> str:
    """The outcome's class and the code of the problem: `Retry timeout`."""
    assert isinstance(outcome, Retry | Failed), outcome
    return f"{type(outcome).__name__} {outcome.problem}"


def detail(outcome: Outcome) -> str:
    """The detail of what went wrong; empty if there is none."""
    assert isinstance(outcome, Retry | Failed), outcome
    return outcome.detail or ""
