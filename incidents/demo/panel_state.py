"""What the panel knows: the sites that it hosts, and the notices that it has received."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from threading import Lock

STATES = {"suspend": "suspended", "reopen": "active", "close": "closed"}
"""The state of a site after an order, by the kind of the order."""

MOST_NOTICES = 30
"""How many notices are kept, the last ones."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """A hosted site: its state, the number of its last order, and when that came (UTC)."""

    state: str
    seq: int = 0
    at: datetime | None = None

    @property
    def is_up(self) -> bool:
        """Whether visitors see the site."""
        return self.state == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice, received `at` (UTC); `to`: the phone number of a customer, None for the desk."""

    n: int
    at: datetime
    to: str | None
    subject: str
    text: str


class PanelState:
    """The sites and the notices, which several threads change; `clock`: aware times in UTC."""

    def __init__(self, sites: Mapping[str, str], clock: Callable[[], datetime]) -> None:
        self._sites = {name: Hosted(state) for name, state in sites.items()}
        self._notices: deque[Notice] = deque(maxlen=MOST_NOTICES)
        self._numbers = count(1)
        self._lock = Lock()
        self.clock = clock

    def carry_out(self, order: Mapping[str, str]) -> None:
        """Take a site down or up, unless a later order has come already."""
        state = STATES.get(order["kind"])
        with self._lock:
            known = self._sites.get(order["site"], Hosted("active"))
            if state is not None and int(order["seq"]) > known.seq:
                seq = int(order["seq"])
                self._sites[order["site"]] = replace(known, state=state, seq=seq, at=self.clock())

    def receive(self, to: str | None, subject: str, text: str) -> None:
        """Keep a notice to the customer with that phone number, or to the desk."""
        with self._lock:
            n = next(self._numbers)
            self._notices.append(
                Notice(n=n, at=self.clock(), to=to, subject=subject.strip(), text=text.strip())
            )

    def state(self, site: str) -> str | None:
        """The state of a site; None if it is not hosted here."""
        with self._lock:
            found = self._sites.get(site)
        return None if found is None else found.state

    def sites(self) -> list[tuple[str, Hosted]]:
        """All sites: those that are down first, the latest change at the top."""
        with self._lock:
            return sorted(self._sites.items(), key=_order_shown)

    def notices(self) -> list[Notice]:
        """The notices that are kept, the last one first."""
        with self._lock:
            return [*reversed(self._notices)]

    def notice(self, n: int) -> Notice | None:
        """The notice of that number; None if it is not kept."""
        return next((each for each in self.notices() if each.n == n), None)


def _order_shown(of: tuple[str, Hosted]) -> tuple[bool, float, str]:
    name, site = of
    return site.is_up, 0.0 if site.at is None else -site.at.timestamp(), name
