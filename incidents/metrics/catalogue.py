"""The catalogue: every metric with its labels, in base units, and the limits for counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, literal_column

MAX_COUNTED = 10_000
"""The number at which counting stops; `incidents_count_capped` marks a count that reached it."""

MAX_OPEN = 100_000
"""The limit for open work and dead orders. It is high because their kinds have no index, and one
kind must not hide the others."""


def limit_literal(count: int) -> ColumnElement[Any]:
    """A limit as a literal in the statement.

    If the limit were a parameter, PostgreSQL would plan for a tenth of the table.
    """
    return literal_column(str(count))


Kind = Literal["gauge", "counter", "histogram", "info"]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric; `help` is the text of the HELP line above its samples."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()


UP = Family(
    "incidents_up", "gauge",
    "Whether the database can be read; if not (0), only the counts of this process are reported.",
)  # fmt: skip
BUILD = Family("incidents_build_info", "info", "Version of the program.", ("version",))

DATABASE_FAMILIES = (
    Family(
        "incidents_looked_at_timestamp_seconds", "gauge",
        "Time of the last database read, by the database's clock if any; ages are as of then.",
    ),
    Family(
        "incidents_count_capped", "gauge",
        f"Whether a count has reached its limit: {MAX_OPEN:,} for orders_dead, orders_braked and"
        f" queue_items, {MAX_COUNTED:,} for the others (for orders_waiting, in each lane).",
        ("count",),
    ),
    # The clock.
    Family(
        "incidents_clock_enforced", "gauge",
        "Whether a daemon, or `daemon --once` in the last ten minutes, enforces deadlines.",
    ),
    Family(
        "incidents_halted", "gauge",
        "Whether orders from this database are halted until a person continues.",
    ),
    Family(
        "incidents_sites_left_down", "gauge",
        "Sites that are or may be down for a reason that may be among lost records.",
    ),
    Family(
        "incidents_sites_uncompared", "gauge",
        "Sites whose actual state could not be checked since the record lost its latest entries.",
    ),
    Family("incidents_daemons_beating", "gauge", "Daemons that enforce deadlines."),
    Family(
        "incidents_daemons_standing_aside", "gauge",
        "Daemons paused because their clock differs from the database's.",
    ),
    Family(
        "incidents_daemons_mark_unread", "gauge",
        "Daemons that carry out no orders because they cannot read their mark.",
    ),
    Family(
        "incidents_daemon_heartbeat_age_seconds", "gauge",
        "Time since the last heartbeat of any daemon; absent before the first and a day after the"
        " last.",
    ),
    Family(
        "incidents_daemon_once_age_seconds", "gauge",
        "Time since `daemon --once` last finished; absent if it is not used.",
    ),
    Family("incidents_deadlines_pending", "gauge", "Sites with a deadline in the future."),
    Family(
        "incidents_deadlines_overdue", "gauge",
        "Sites with a passed deadline that is not enforced yet.",
    ),
    Family(
        "incidents_deadline_next_seconds", "gauge",
        "Time until the earliest deadline of all sites; below 0 if overdue, absent if none.",
    ),
    # The orders.
    Family(
        "incidents_orders_waiting", "gauge",
        "Orders not carried out yet: to an adapter (act), to the customer (notice), to the desk"
        " (desk).",
        ("lane",),
    ),
    Family(
        "incidents_orders_dead", "gauge",
        "Dead letters: orders that wait for a person.",
        ("lane",),
    ),
    Family(
        "incidents_orders_braked", "gauge",
        "Orders held by the brake because too many sites were being taken down in a short"
        " time; a supervisor must release or cancel them.",
    ),
    Family(
        "incidents_order_oldest_age_seconds", "gauge",
        "Age of the oldest waiting order; absent if none waits.",
        ("lane",),
    ),
    Family(
        "incidents_sites_not_in_force", "gauge",
        "Sites whose state in force differs from the ordered one, with an order that waits or"
        " is a dead letter.",
    ),
    # The desk.
    Family(
        "incidents_queue_items", "gauge",
        "Items of the desk's queue, by kind.",
        ("kind",),
    ),
    Family(
        "incidents_queue_oldest_age_seconds", "gauge",
        "Age of the oldest item of each kind; absent if there is none.",
        ("kind",),
    ),
    # The inbox.
    Family(
        "incidents_reports_waiting", "gauge",
        "Reports that wait for triage, by state: new, or unreadable.",
        ("state",),
    ),
    Family(
        "incidents_report_oldest_age_seconds", "gauge",
        "Longest wait of a report for triage; absent if none waits.",
    ),
    # The log.
    Family("incidents_entries_total", "counter", "Numbered entries of the record."),
    Family(
        "incidents_log_has_key", "gauge", "Whether the log has a key and must be signed."
    ),
    Family("incidents_log_unnumbered_entries", "gauge", "Entries without a number yet."),
    Family(
        "incidents_log_unnumbered_age_seconds", "gauge",
        "Age of the oldest entry without a number; absent if there is none.",
    ),
    Family(
        "incidents_log_unsigned_entries", "gauge",
        "Numbered entries that no checkpoint covers yet.",
    ),
    Family(
        "incidents_log_pending_age_seconds", "gauge",
        "Age of the oldest entry that no checkpoint covers; absent if there is none.",
    ),
    Family(
        "incidents_log_checkpoint_age_seconds", "gauge",
        "Time since the last checkpoint was signed; absent before the first.",
    ),
    # The accounts.
    Family(
        "incidents_sign_ins_last_hour", "gauge",
        "Sign-ins, second signatures and password confirmations in the last hour, by result; for"
        " unknown names, only the first few per address and day.",
        ("result",),
    ),
    Family(
        "incidents_refusals_today", "gauge",
        "Actions refused to accounts since midnight (UTC), by reason; blocked: sign-ins after too"
        " many mistakes; no_account, unknown_subject: unknown names.",
        ("reason",),
    ),
    # The size.
    Family("incidents_database_bytes", "gauge", "Size of the database."),
    Family(
        "incidents_table_bytes", "gauge",
        "Size of each table with its indexes; on PostgreSQL only.",
        ("table",),
    ),
    Family(
        "incidents_table_rows", "gauge",
        "Rows of each table as of its last VACUUM or ANALYZE, an estimate; on PostgreSQL only, and"
        " absent before the first.",
        ("table",),
    ),
    Family(
        "incidents_archive_parts_missing", "gauge",
        "Archive parts whose file this process does not find in the folder, or finds with another"
        " size.",
    ),
)  # fmt: skip
"""The metrics of the database's present state."""

POSTGRESQL_ALONE = frozenset({"incidents_table_bytes", "incidents_table_rows"})
"""The metrics that SQLite would have to read every table for."""

REPLICA_FAMILIES = (
    Family(
        "incidents_replica_in_use", "gauge",
        "Whether reads go to the replica; absent without one in the settings.",
    ),
    Family(
        "incidents_replica_lag_seconds", "gauge",
        "How far the replica is behind the primary, at most; absent if unknown.",
    ),
)  # fmt: skip
"""The metrics of the replica, from servers and the command line."""

ENTRY_FAMILIES = (
    Family(
        "incidents_decisions_total", "counter",
        "Entries recorded since this process started, whoever decided, by kind and by the rule that"
        " applied.",
        ("kind", "rule"),
    ),
    Family(
        "incidents_reports_total", "counter",
        "Reports since this process started, by the format that they were read as: those that came"
        " in (new, unreadable), and those that ended (logged, joined, dismissed, not_ours).",
        ("format", "outcome"),
    ),
    Family(
        "incidents_enforcement_lateness_seconds", "histogram",
        "Time from a deadline to its enforcement, by any process, since this process started.",
    ),
    Family(
        "incidents_decisions_uncounted", "gauge",
        "Entries that incidents_decisions_total does not count yet.",
    ),
)  # fmt: skip
"""The metrics of entries that were recorded after the process started."""

PROCESS_FAMILIES = (
    Family(
        "incidents_order_attempts_total", "counter",
        "Attempts of this process to carry out an order, by adapter and outcome.",
        ("lane", "adapter", "outcome"),
    ),
    Family(
        "incidents_order_delivery_seconds", "histogram",
        "Time from ordering to carrying out, of the orders that this process carried out.",
        ("lane",),
    ),
    Family(
        "incidents_expired_deleted_total", "counter",
        "Rows that this process deleted because they had expired: keys of commands, checkpoints.",
        ("table",),
    ),
)  # fmt: skip
"""The metrics of the work that the process itself does."""

FAMILIES = (UP, BUILD, *DATABASE_FAMILIES, *REPLICA_FAMILIES, *ENTRY_FAMILIES, *PROCESS_FAMILIES)
BY_NAME = {family.name: family for family in FAMILIES}
