"""The interface of adapters: an order as an adapter receives it, its outcomes, and its problems."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from incidents.clock import rfc3339
from incidents.desk.text import MAX_DIGITS
from incidents.values.ids import ORDERS_EACH

_NOT_CODE = re.compile("[^a-z0-9_]+")
_MAX_CODE, _MAX_DETAIL = 40, 300


def code(word: str) -> str:
    """A code that can be recorded, made from any value that a third-party adapter returned."""
    found = _NOT_CODE.sub("_", word.lower())
    # Seven digits may be somebody's phone number, so no code has that many.
    if sum(character.isdigit() for character in found) >= MAX_DIGITS:
        found = "".join(character for character in found if not character.isdigit())
    return found[:_MAX_CODE].strip("_") or "unknown"


def sentence(text: str | None) -> str | None:
    """The text as one printable line of at most 300 characters."""
    shown = "".join(c if c.isprintable() else " " for c in text or "")
    return shown[:_MAX_DETAIL].strip() or None


State = Literal["active", "suspended", "closed"]
"""The actual state of a site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt to carry out an order.

    `id` (`12-o45`) is the same in each attempt: an adapter that has seen the ID before does nothing
    and reports success. `seq` grows with each order of a site: an order with a lower number than
    the last one seen is stale, and must not be carried out. After the record lost its latest
    entries, new IDs and numbers are higher than all earlier ones: in epoch 332 the site's 45th
    entry gives `12-o332000000000045`.

    `kind` is `suspend`, `reopen` or `close`; in the customer's and the desk's lanes also `notify`,
    `call` and `alarm`. `attempt` is 1 the first time. `until`: the planned end of a suspension,
    None if no timer ends it. All times are in UTC.
    """

    id: str
    kind: str
    lane: str
    site: str
    site_id: int
    seq: int
    ordered_at: datetime
    attempt: int = 1
    rule: str | None = None
    incident: str | None = None
    suspension: str | None = None
    task: str | None = None
    until: datetime | None = None

    @property
    def entry(self) -> int:
        """The number of the entry, among those of the site, that gave the order."""
        return self.seq % ORDERS_EACH

    def document(self) -> dict[str, str]:
        """The order as JSON: names and times, without personal data. None values are left out."""
        told = {
            "id": self.id,
            "kind": self.kind,
            "site": self.site,
            "site_id": str(self.site_id),
            "seq": str(self.seq),
            "ordered_at": rfc3339(self.ordered_at),
            "rule": self.rule,
            "incident": self.incident,
            "suspension": self.suspension,
            "task": self.task,
            "until": None if self.until is None else rfc3339(self.until),
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The order was carried out. `enforced` is False if nothing changed in the live system."""

    enforced: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """The order was not carried out, or its outcome is unknown; a later attempt may succeed.

    `after`: the wait that the other side requested. `problem`: a code such as `http_503` (a-z, 0-9
    and _, at most 40 characters), which goes on record if no attempt ever succeeds. `detail`: a
    sentence for the desk, without personal data or secrets, which does not go on record.
    """

    problem: str
    after: timedelta | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The order cannot succeed until a person acts. `problem`, `detail`: see Retry."""

    problem: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """The order was not needed, or there was nobody to notify; `why` is a code like a problem's."""

    why: str


Outcome = Delivered | Retry | Failed | Skipped


class Adapter(Protocol):
    """An interface to a live system; `name` is the adapter's name in the settings.

    One instance serves several threads. A fault of the live system is an outcome, not an exception.
    An attempt must end within 20 seconds; its lease ends after 25. Optional: `close`, if the
    adapter keeps something open; `missing`, if it needs a program or a folder of this machine: a
    sentence that names the missing part, None if nothing is missing; and `tells_closed = False`, if
    its `state` cannot distinguish a closed site from a suspended one.
    """

    @property
    def name(self) -> str:
        """The adapter's name in the settings."""

    def deliver(self, order: Order) -> Outcome:
        """Make one attempt. The adapter can receive the same order again."""

    def state(self, site: str) -> State | None:
        """The site's actual state; None if it cannot be queried or is unknown."""
