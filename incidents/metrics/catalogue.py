"""The catalogue: every metric with its labels, in base units, with the limit of all counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, literal_column

MOST = 10_000
"""So many are counted, and a count that stands there says so (`incidents_count_capped`)."""

MOST_OPEN = 100_000
"""Of the desk's work and of dead orders, whose kinds have no index of their own: one that piles up
must not hide the others."""


def first(count: int) -> ColumnElement[Any]:
    """A limit that is written into the statement.

    PostgreSQL, planning for any limit, takes it for a tenth of the table.
    """
    return literal_column(str(count))


Kind = Literal["gauge", "counter", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric; `help` is the line that stands above its samples."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


UP = Family(
    "incidents_up", "gauge",
    "Whether the database could be looked at: without it (0) only what this process has counted"
    " is told.",
)  # fmt: skip
BUILD = Family("incidents_build_info", "info", "The version of the program.", ("version",))

LOOKED_AT = (
    Family(
        "incidents_looked_at_timestamp_seconds", "gauge",
        "When the database was looked at, by its own clock where it has one: ages are as of then.",
    ),
    Family(
        "incidents_count_capped", "gauge",
        f"Whether the count of that name has come to the most that is counted: {MOST_OPEN:,} of"
        f" orders_dead, orders_braked and queue_items, {MOST:,} of the others, of orders_waiting"
        " in each lane.",
        ("count",),
    ),
    # The clock.
    Family(
        "incidents_clock_enforced", "gauge",
        "Whether a daemon, or `daemon --once` within its ten minutes, sees to what is due.",
    ),
    Family(
        "incidents_halted", "gauge",
        "Whether nothing is carried out from this database, until a person goes on.",
    ),
    Family(
        "incidents_sites_left_down", "gauge",
        "Sites that are down, or may be, for a reason that the record may have lost.",
    ),
    Family(
        "incidents_sites_uncompared", "gauge",
        "Sites that could not be compared with the world since the record has lost its end.",
    ),
    Family("incidents_daemons_beating", "gauge", "Daemons that enforce the clock."),
    Family(
        "incidents_daemons_standing_aside", "gauge",
        "Daemons that do nothing, since their clock is not the database's.",
    ),
    Family(
        "incidents_daemons_mark_unread", "gauge",
        "Daemons that carry nothing out, since they cannot read their mark.",
    ),
    Family(
        "incidents_daemon_heartbeat_age_seconds", "gauge",
        "Since the last beat of any daemon; not there before the first, and a day after the last.",
    ),
    Family(
        "incidents_daemon_once_age_seconds", "gauge",
        "Since `daemon --once` last came to its end; not there if it is not used.",
    ),
    Family("incidents_deadlines_pending", "gauge", "Sites with a deadline that is still to come."),
    Family(
        "incidents_deadlines_overdue", "gauge",
        "Sites with a deadline that has passed, for which nothing was done yet.",
    ),
    Family(
        "incidents_deadline_next_seconds", "gauge",
        "Until the earliest deadline of all sites; below 0 it is overdue. Not there without one.",
    ),
    # The orders.
    Family(
        "incidents_orders_waiting", "gauge",
        "Orders that are not carried out yet: into the world (act), to the customer (notice), to"
        " the desk (desk).",
        ("lane",),
    ),
    Family(
        "incidents_orders_dead", "gauge",
        "Orders that were given up, and wait for a person.",
        ("lane",),
    ),
    Family(
        "incidents_orders_braked", "gauge",
        "Orders into the world that the brake holds: too many sites were taken down at once, and a"
        " supervisor must release or cancel them.",
    ),
    Family(
        "incidents_order_oldest_age_seconds", "gauge",
        "Since the oldest order that waits was ordered; not there if none does.",
        ("lane",),
    ),
    Family(
        "incidents_sites_not_in_force", "gauge",
        "Sites with an order into the world that waits or is dead, and on which something else is"
        " in force than what is ordered.",
    ),
    # The desk.
    Family(
        "incidents_queue_items", "gauge",
        "What the desk must do, by kind: the items of its queue.",
        ("kind",),
    ),
    Family(
        "incidents_queue_oldest_age_seconds", "gauge",
        "Since the oldest item of that kind was recorded; not there if there is none.",
        ("kind",),
    ),
    # The log.
    Family("incidents_entries_total", "counter", "Entries of the record that have their number."),
    Family(
        "incidents_log_has_key", "gauge", "Whether the log has a key, and so is to be signed."
    ),
    Family("incidents_log_unnumbered_entries", "gauge", "Entries that have no number yet."),
    Family(
        "incidents_log_unnumbered_age_seconds", "gauge",
        "Since the oldest of these was recorded; not there without one.",
    ),
    Family(
        "incidents_log_unsigned_entries", "gauge",
        "Entries with a number that no checkpoint covers yet.",
    ),
    Family(
        "incidents_log_pending_age_seconds", "gauge",
        "Since the oldest entry was recorded that no checkpoint covers; not there without one.",
    ),
    Family(
        "incidents_log_checkpoint_age_seconds", "gauge",
        "Since the last checkpoint was signed; not there before the first.",
    ),
    # The accounts.
    Family(
        "incidents_sign_ins_last_hour", "gauge",
        "Sign-ins, second signatures and passwords asked for again in the last hour, by result; of"
        " names that are nobody's the first few of an address and a day.",
        ("result",),
    ),
    Family(
        "incidents_refusals_today", "gauge",
        "Acts that accounts were refused since midnight (UTC), by reason; blocked: sign-ins after"
        " too many mistakes; no_account, unknown_subject: under names that are nobody's.",
        ("reason",),
    ),
)  # fmt: skip
"""What the database says at one moment."""

RECORDED = (
    Family(
        "incidents_decisions_total", "counter",
        "Entries that were put on record since this process began, whoever decided, by kind and"
        " by the rule that was the reason.",
        ("kind", "rule"),
    ),
    Family(
        "incidents_enforcement_lateness_seconds", "histogram",
        "How long after its deadline the clock decided, since this process began, in whichever"
        " process.",
    ),
    Family(
        "incidents_decisions_uncounted", "gauge",
        "Entries that incidents_decisions_total has not come to yet.",
    ),
)  # fmt: skip
"""What went on record since a process began, as it reads it."""

CARRIED_OUT = (
    Family(
        "incidents_order_attempts_total", "counter",
        "Attempts of this process to carry an order out, by the adapter and what came of it.",
        ("lane", "adapter", "outcome"),
    ),
    Family(
        "incidents_order_delivery_seconds", "histogram",
        "From being ordered to being carried out, of the orders that this process carried out.",
        ("lane",),
    ),
)  # fmt: skip
"""What a process has done itself."""

FAMILIES = (UP, BUILD, *LOOKED_AT, *RECORDED, *CARRIED_OUT)
BY_NAME = {family.name: family for family in FAMILIES}
