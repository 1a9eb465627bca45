"""The alarm: one fact that the desk must know, with a key that lasts as long as its cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SILENT, DEAD, LAPSING = "daemon_silent", "order_dead", "clock_about_to_lapse"

WAITING, DISPUTED, REPORT = "closure_waits", "closure_disputed", "report_due"

FILING, BRAKE, UNTRIAGED = "filing_due", "brake_on", "reports_untriaged"

HALTED, LOST, MOVED, UNSIGNED = "halted", "entries_lost", "server_changed", "log_unsigned"

LEFT_DOWN, MARK_UNREAD = "sites_left_down", "mark_unread"

UNCOMPARED, RULES_BRAKED, RULES_UNOWNED = "sites_uncompared", "rules_braked", "rules_unowned"

KINDS = (
    SILENT, HALTED, MARK_UNREAD, LOST, MOVED, UNCOMPARED, LEFT_DOWN, BRAKE, LAPSING, WAITING,
    DEAD, RULES_UNOWNED, RULES_BRAKED, UNTRIAGED, UNSIGNED, DISPUTED, REPORT, FILING,
)  # fmt: skip
"""The kinds of alarms, most urgent first."""

INBOX = "inbox"
"""The subject of the alarms about reports from outside."""

EVERYBODY = "all"
"""The subject of alarms about the whole database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A fact that the desk must know now. Times are in UTC; a field that does not apply is None.

    `since`: when the cause of the alarm began, if known.

    - `daemon_silent`: the `daemon`, None if no daemon is left; the number of `overdue` sites.
    - `order_dead`: the order, its kind, the problem and the number of attempts.
    - `clock_about_to_lapse`: the incident, its `due` time, and whether the miss closes the site
      (R3).
    - `closure_waits`: the rule, and the incident for R5.
    - `closure_disputed`: the rule.
    - `report_due`: the incident, its deadline (`due`), and whether that has passed (`late`).
    - `filing_due`: one alarm for all terms with a reminder on the same day, which is the subject:
      the number of terms (`terms`), and how many of them are over (`overdue`).
    - `reports_untriaged`: one alarm for all `reports` from outside that have waited for triage for
      longer than the setting allows. `since`: when the oldest of them came in.
    - `rules_braked`: one alarm for all `reports` that wait for the desk because an intake rule has
      logged as many as it may. `since`: when the oldest of them came in.
    - `rules_unowned`: one alarm for all intake rules that do nothing, because their owners may not
      settle reports; the rules are `named`.
    - `brake_on`: one alarm for all `orders` that wait for a supervisor, because too many sites were
      taken down at once.
    - `halted`: no orders are carried out until a person resumes; the reason (`halted_why`).
    - `mark_unread`: a `daemon` carries out no orders, because it cannot read its mark; the
      `problem`.
    - `entries_lost`: the record has lost its latest entries, and nobody has acknowledged the loss
      on record.
    - `server_changed`: another server has taken over, and nothing is known to be missing.
    - `sites_uncompared`: the number of `sites` whose actual state could not be compared for a
      minute or longer, the first `named`, and the reason (`problem`). Until these sites are
      compared, no clock suspends them, and nothing opens them.
    - `sites_left_down`: the number of `sites` that are down, or may be, though nothing on record
      keeps them down. The first sites are `named`, with their actual `states`; `suspended_now`
      names those that are also suspended on record, and stay down after the suspension. Also how
      many sites are actually `closed`, how many are `unknown`, and how many of the unknown sites
      were added since the loss (`new`). `since`: when the reason may have been lost. A new site on
      the list raises the alarm again.
    - `log_unsigned`: a signing was refused or failed, or entries wait where a daemon signed before.
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
    reports: int = 0
    sites: int = 0
    closed: int = 0
    unknown: int = 0
    new: int = 0
    named: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    suspended_now: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key, which stays the same while the cause lasts: `clock_about_to_lapse:12-3`."""
        return f"{self.kind}:{self.subject}"

    def is_sent_by_copy(self, halted_since: datetime) -> bool:
        """Whether a database that has been halted since `halted_since` (UTC) sends the alarm.

        The database may be a copy, so it sends alarms about the database itself, and alarms whose
        cause began later. The original sends all other alarms.
        """
        if self.subject == EVERYBODY:
            return True
        return self.since is not None and self.since >= halted_since
