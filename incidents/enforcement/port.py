"""The port of an adapter: an order as it arrives, its outcomes, and its problems."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from incidents.clock import rfc3339
from incidents.desk.text import MAX_DIGITS
from incidents.values.ids import ORDERS_EACH

_NOT_CODE = re.compile("[^a-z0-9_]+")
_MAX_CODE, _MAX_DETAIL = 40, 300


def code(word: str) -> str:
    """A code that may go on record, whatever an adapter of others has said."""
    found = _NOT_CODE.sub("_", word.lower())
    # A number of seven digits may be somebody's, and no code holds one.
    if sum(character.isdigit() for character in found) >= MAX_DIGITS:
        found = "".join(character for character in found if not character.isdigit())
    return found[:_MAX_CODE].strip("_") or "unknown"


def sentence(text: str | None) -> str | None:
    """One line of printable text, 300 characters at most."""
    shown = "".join(c if c.isprintable() else " " for c in text or "")
    return shown[:_MAX_DETAIL].strip() or None


State = Literal["active", "suspended", "closed"]
"""How a site stands in the world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One attempt to carry an order out.

    `id` (`12-o45`) is the same in each attempt: who has seen it before does nothing and says so.
    `seq` grows with each order of a site: one that is lower than what was seen last of the site is
    stale, and is to be left alone. Both are above all that were there before once the record has
    lost its end: in the epoch 332 the site's 45th entry gives `12-o332000000000045`.

    `kind` is `suspend`, `reopen` or `close`; of the customer's and the desk's lanes also `notify`,
    `call` and `alarm`. `attempt` is 1 the first time. `until` says when a suspension is meant to
    end, None when no timer will end it. All times are in UTC.
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
        """The number of the site's entry from which it follows."""
        return self.seq % ORDERS_EACH

    def document(self) -> dict[str, Any]:
        """What is told of it: names and times, nobody's data. What is None is left out."""
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
    """It is done. `enforced` is False where nothing in the world has changed by it."""

    enforced: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """It is not done, or nobody knows, and may go better later; `after` is what the other side
    asked to be given.

    `problem` is a code such as `http_503` (a-z, 0-9 and _, 40 characters at most), which goes on
    record if no attempt ever succeeds; `detail` is a sentence for the desk, without anybody's data
    and without secrets, which does not.
    """

    problem: str
    after: timedelta | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It will never be done like this: a person must look. `problem`, `detail`: as of a Retry."""

    problem: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """There is nobody to tell, and no need to; `why` is a code like a problem's."""

    why: str


Outcome = Delivered | Retry | Failed | Skipped


class Adapter(Protocol):
    """A way into the world, under the `name` that the settings give it.

    One instance serves several threads. Nothing is raised for what the world does: that is an
    outcome. An attempt must come to its end within 20 seconds: its lease is 25. One that keeps
    something open has a `close` beside these; one that needs a program or a folder of this machine
    has a `missing`, which says as a sentence what it does not find, None if nothing; one whose
    `state` cannot tell a closed site from a suspended one has `tells_closed = False`.
    """

    @property
    def name(self) -> str:
        """Its name in the settings."""

    def deliver(self, order: Order) -> Outcome:
        """Make one attempt. The same order may come again."""

    def state(self, site: str) -> State | None:
        """How the site really stands; None where the world cannot be asked, or does not know."""
