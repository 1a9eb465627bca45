"""Acts: which orders are not carried out yet, what is in force, what the police were told.

Revision: 0004

The orders of before wait too: a site that is down by what was decided is taken down once somebody
carries orders out, and one that was down and is open again is left alone. Of what became of orders
before a downgrade the entries tell.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
LANES = {
    "suspend": ("act", "notice"),
    "reopen": ("act", "notice"),
    "close": ("act", "notice"),
    "notify": ("notice",),
    "call": ("desk",),
    "alarm": ("desk",),
}
FORCE = {"suspend": "suspended", "reopen": "active", "close": "closed"}
TOLD = (
    "order_delivered", "order_failed", "order_cancelled", "order_retried", "order_repeated",
    "state_seen", "incident_reported", "removal_said",
)  # fmt: skip
_DISPUTED = sa.text("kind = 'disputed'")
_UNREPORTED = sa.text("reported_at IS NULL AND state != 'voided' AND epoch > 0")


def upgrade() -> None:
    """Adds the tables and columns; what was ordered so far waits."""
    with op.batch_alter_table("sites") as sites:
        sites.add_column(sa.Column("in_force", WORD, nullable=False, server_default="active"))
        sites.add_column(sa.Column("last_act", NUMBER, nullable=False, server_default="0"))
    with op.batch_alter_table("sites") as sites:
        sites.alter_column("in_force", server_default=None)
        sites.alter_column("last_act", server_default=None)
    op.add_column("incidents", sa.Column("reported_at", MOMENT))
    op.add_column("incidents", sa.Column("removal_said_at", MOMENT))
    op.create_index(
        "ix_incidents_unreported", "incidents", ["recorded_at", "site_id", "n"],
        sqlite_where=_UNREPORTED, postgresql_where=_UNREPORTED,
    )  # fmt: skip
    op.create_index(
        "ix_work_disputed", "work", ["recorded_at", "site_id"],
        sqlite_where=_DISPUTED, postgresql_where=_DISPUTED,
    )  # fmt: skip
    _create_deliveries()
    _take_up()
    op.create_table(
        "alarms",
        sa.Column("key", WORD, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("subject", WORD, nullable=False),
        sa.Column("raised_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT),
        sa.PrimaryKeyConstraint("key", name="pk_alarms"),
    )


def downgrade() -> None:
    """Takes them away; what became of orders stays in the entries."""
    op.drop_table("alarms")
    op.drop_table("deliveries")
    op.drop_index("ix_work_disputed", "work")
    op.drop_index("ix_incidents_unreported", "incidents")
    with op.batch_alter_table("incidents") as incidents:
        incidents.drop_column("removal_said_at")
        incidents.drop_column("reported_at")
    with op.batch_alter_table("sites") as sites:
        sites.drop_column("last_act")
        sites.drop_column("in_force")


def _create_deliveries() -> None:
    deliveries = op.create_table(
        "deliveries",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("lane", WORD, nullable=False),
        sa.Column("site_seq", NUMBER, nullable=False, autoincrement=False),
        sa.Column("n", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("dead", sa.Boolean, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.Column("held_by", WORD),
        sa.Column("tried_at", MOMENT),
        sa.Column("adapter", WORD),
        sa.Column("problem", WORD),
        sa.Column("detail", sa.Text),
        sa.PrimaryKeyConstraint("site_id", "lane", "site_seq", "n", name="pk_deliveries"),
    )
    for name, is_dead, columns in (
        ("ix_deliveries_waiting", False, ["lane", "next_at", "site_id", "site_seq"]),
        ("ix_deliveries_dead", True, ["since", "site_id"]),
    ):
        op.create_index(
            name, "deliveries", columns,
            sqlite_where=deliveries.c.dead.is_(is_dead),
            postgresql_where=deliveries.c.dead.is_(is_dead),
        )  # fmt: skip
    orders = sa.table("orders", *map(sa.column, ("site_id", "site_seq", "n", "kind", "created_at")))
    of = orders.c
    for kind, lanes in LANES.items():
        for lane in lanes:
            waiting = sa.select(
                of.site_id, sa.literal(lane), of.site_seq, of.n, of.kind, sa.false(),
                of.created_at, sa.literal(0), of.created_at,
            ).where(of.kind == kind)  # fmt: skip
            op.execute(
                sa.insert(deliveries).from_select(
                    ["site_id", "lane", "site_seq", "n", "kind", "dead", "since", "attempts",
                     "next_at"],
                    waiting,
                )
            )  # fmt: skip


def _take_up() -> None:
    """What came of orders, and what the police and the customers said, as the entries have it."""
    names = ("site_id", "site_seq", "body")
    entries = sa.table("entries", *map(sa.column, names))
    told = sa.or_(*(entries.c.body.contains(f'"kind":"{kind}"', autoescape=True) for kind in TOLD))
    found = sa.select(entries).where(told).order_by(entries.c.site_id, entries.c.site_seq)
    sites: dict[int, dict[str, Any]] = {}
    for site_id, seq, body in op.get_bind().execute(found).all():
        entry = json.loads(body)
        site = sites.setdefault(site_id, {"in_force": "active", "last_act": 0, "dead": set()})
        _happened(site_id, seq, site, entry, entry["data"])
    table = sa.table("sites", *map(sa.column, ("id", "in_force", "last_act")))
    for site_id, site in sites.items():
        del site["dead"]
        op.execute(sa.update(table).where(table.c.id == site_id).values(site))


def _happened(
    site_id: int, seq: int, site: dict[str, Any], entry: dict[str, Any], data: dict[str, Any]
) -> None:
    kind = entry["kind"]
    if kind in ("incident_reported", "removal_said"):
        said = kind == "removal_said"
        column, time = (
            ("removal_said_at", "recorded_at") if said else ("reported_at", "occurred_at")
        )
        n = int(data["incident"].rpartition("-")[2])
        _set("incidents", {"site_id": site_id, "n": n}, **{column: _moment(entry[time])})
    elif kind == "state_seen":
        site["in_force"] = data["seen"]
    elif kind == "order_repeated":
        # The customer is not told of it again.
        _remove(site_id, seq, "notice")
    else:
        _became(site_id, site, entry, data)


def _became(
    site_id: int, site: dict[str, Any], entry: dict[str, Any], data: dict[str, Any]
) -> None:
    kind, lane, order = entry["kind"], data["lane"], int(data["order"].rpartition("-o")[2])
    own = {"site_id": site_id, "site_seq": order, "lane": lane}
    if kind == "order_retried":
        now = _moment(entry["recorded_at"])
        _set("deliveries", own, dead=False, since=now, attempts=0, next_at=now)
        if lane == "act":
            site["dead"].discard(order)
        return
    if kind == "order_failed":
        marks = {name: data[name] for name in ("attempts", "adapter", "problem")}
        _set("deliveries", own, dead=True, **marks)
    else:
        _remove(site_id, order, lane)
    if lane != "act":
        return
    force = FORCE[data["order_kind"]]
    if kind == "order_delivered":
        site["last_act"] = max(site["last_act"], order)
        if data.get("enforced"):
            site["in_force"] = force
    elif kind == "order_failed" or data.get("tried"):
        known = order in site["dead"] or order < site["last_act"]
        site["in_force"] = site["in_force"] if known or site["in_force"] == force else "unknown"
    if kind == "order_failed":
        site["dead"].add(order)


def _set(name: str, key: dict[str, Any], **values: Any) -> None:
    table = sa.table(name, *map(sa.column, (*key, *values)))
    own = (table.c[column] == value for column, value in key.items())
    op.execute(sa.update(table).where(*own).values(values))


def _remove(site_id: int, order: int, lane: str) -> None:
    key = {"site_id": site_id, "site_seq": order, "lane": lane}
    table = sa.table("deliveries", *map(sa.column, key))
    op.execute(sa.delete(table).where(*(table.c[name] == value for name, value in key.items())))


def _moment(text: str) -> Any:
    """A time as the columns hold it: on SQLite in microseconds since 1970."""
    moment = datetime.fromisoformat(text)
    if op.get_bind().dialect.name != "sqlite":
        return moment
    epoch = datetime(1970, 1, 1, tzinfo=moment.tzinfo)
    return (moment - epoch) // timedelta(microseconds=1)
