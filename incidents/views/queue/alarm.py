"""The alarm: one thing that the desk is to know, by a name that lasts as long as its cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SILENT, DEAD, LAPSING = "daemon_silent", "order_dead", "clock_about_to_lapse"
WAITING, DISPUTED, REPORT = "closure_waits", "closure_disputed", "report_due"
FILING, BRAKE = "filing_due", "brake_on"
HALTED, LOST, MOVED, UNSIGNED = "halted", "entries_lost", "server_changed", "log_unsigned"
LEFT_DOWN, MARK_UNREAD = "sites_left_down", "mark_unread"
UNCOMPARED = "sites_uncompared"
KINDS = (
    SILENT, HALTED, MARK_UNREAD, LOST, MOVED, UNCOMPARED, LEFT_DOWN, BRAKE, LAPSING, WAITING,
    DEAD, UNSIGNED, DISPUTED, REPORT, FILING,
)  # fmt: skip
"""The most urgent first."""

EVERYBODY = "all"
"""The subject of what is true of the whole database: of a silence in which no daemon is left that
enforces the clock, of the brake, of how the record stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One thing that the desk is to know now; times are in UTC, what does not apply is None.

    `since` is when its cause began, where that is known. `daemon_silent`: the `daemon`, None if
    none is left, and how many sites are `overdue`. `order_dead`: the order, its kind, the problem
    and the attempts. `clock_about_to_lapse`: the incident, its `due` time, and whether the miss
    closes the site (R3). `closure_waits`: the rule, and the incident of R5. `closure_disputed`: the
    rule. `report_due`: the incident, by when it is `due`, and whether that has passed (`late`).
    `filing_due`: one for all terms that were reminded of on the same day, the subject; how many
    they are (`terms`), and of how many the last day is over (`overdue`). `brake_on`: one for all
    `orders` that wait for a supervisor, since too many sites were taken down at once.
    `halted`: nothing is carried out, until a person goes on, and why (`halted_why`).
    `mark_unread`: a `daemon` carries nothing out since it cannot read its mark, and the `problem`.
    `entries_lost`: the record has lost its end, and nobody has put on record that they know.
    `server_changed`: another server has taken over, and nothing is known to be missing.
    `sites_uncompared`: so many `sites` could not be compared with the world for a minute or longer,
    the first of them `named`, and why (`problem`): until then no clock suspends them, and nothing
    opens them.
    `sites_left_down`: so many `sites` are down, or may be, though nothing on record keeps them
    down, the first of them `named`, with how each is in the world (`states`), and which of them are
    suspended on record as well, and stay down at the end of that (`suspended_now`); how many are
    `closed` in the world, of how many nobody can tell (`unknown`), and how many of these were added
    since the loss (`new`); why may be what was lost, `since` then. Of a site that was not on the
    list before the desk is told again.
    `log_unsigned`: a signing was refused or failed, or entries wait where a daemon signed before.
    """

    kind: str
    subject: str
    site: str | None = None
    since: datetime | None = None
    due: datetime | None = None
    incident: str | None = None
    order: str | None = None
    order_kind: str | None = None
    problem: str | None = None
    attempts: int | None = None
    rule: str | None = None
    daemon: str | None = None
    halted_why: str | None = None
    overdue: int = 0
    miss_closes: bool = False
    late: bool = False
    terms: int = 0
    orders: int = 0
    sites: int = 0
    closed: int = 0
    unknown: int = 0
    new: int = 0
    named: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    suspended_now: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name, the same for as long as its cause lasts: `clock_about_to_lapse:12-3`."""
        return f"{self.kind}:{self.subject}"

    def is_told_of_a_copy(self, halted_since: datetime) -> bool:
        """Whether the desk is to be told of it from a database from which nothing is carried out
        since then (UTC), and which may be a copy: of the database itself, and of what is known to
        have begun later. All else the true one has told, or will."""
        if self.subject == EVERYBODY:
            return True
        return self.since is not None and self.since >= halted_since
