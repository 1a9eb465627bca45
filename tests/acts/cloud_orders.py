"""Orders for a site that stands on a node."""

import threading
from datetime import UTC, datetime, timedelta

from incidents.acts.port import Order, Retry

SITE = "shop.example"
SOON = timedelta(seconds=5)
ON_ITS_WAY = Retry(problem="node_changing", after=SOON, detail="the node is on its way")


def order(kind: str, site: str = SITE, seq: int = 1) -> Order:
    return Order(
        id=f"1-o{seq}",
        kind=kind,
        lane="site",
        site=site,
        site_id=1,
        seq=seq,
        ordered_at=datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
    )


def attempts_under_way() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "attempt"]
