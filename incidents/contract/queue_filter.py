"""The filter of the queue, as each surface gives it to the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

WorkKind = Literal[
    "call", "keep_calling", "tell", "check_removal", "recheck", "closure", "disputed",
    "reinstatement", "review", "file", "show_number", "suspicion", "footer",
]  # fmt: skip
KINDS: tuple[str, ...] = get_args(WorkKind)
"""The kinds of work in the queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """A filter for the queue; None matches all.

    `kind`: the kind of work. `category`: of the item's incident. `state`, `rule`: of its site.
    `due_before` (UTC): the deadline. `holder`: who has claimed the item. `site`: the site's name.
    """

    kind: str | None = None
    category: str | None = None
    state: str | None = None
    due_before: datetime | None = None
    holder: str | None = None
    site: str | None = None
    rule: str | None = None


EVERYTHING = QueueFilter()
