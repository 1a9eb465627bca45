"""Orders for the tests of both lanes, and channels whose answers a test sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from incidents.enforcement.port import Delivered, Order, Outcome
from incidents.notices import samples
from incidents.notices.letter import Letter, Recipient
from incidents.notices.wording import Wording

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
WORDING = Wording(samples.OFFICE, SHANGHAI)


@dataclass
class StubChannel:
    """A channel that keeps what it is handed, and answers as the test wants."""

    name: str = "mail"
    answer: Outcome = field(default_factory=Delivered)
    letters: list[Letter] = field(default_factory=list)
    to: list[Recipient] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def send(self, letter: Letter, to: Recipient, *, within_s: float) -> Outcome:
        self.letters.append(letter)
        self.to.append(to)
        self.seconds.append(within_s)
        return self.answer


def order(kind: str, lane: str = "notice", **said: Any) -> Order:
    """An order as it comes from the outbox."""
    given: dict[str, Any] = {
        "id": f"12-o45.{lane}", "kind": kind, "lane": lane, "site": "shop.example", "site_id": 12,
        "seq": 45, "ordered_at": NOON,
    } | said  # fmt: skip
    return Order(**given)
