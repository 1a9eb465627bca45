"""The first schema: sites and what belongs to them, entries, orders, keys, the desk's policy.

Revision: 0001

The documented policy is active from the start; it stands here as it was on that day.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

DOCUMENTED_DIGEST = "sha256:cd05b00a5898fc010cb66b21bdbeb76bcea3c8d5af8da0ea33c070021c4d5ffd"
DOCUMENTED_TOML = """\
[repeat]
count = 3
within = "24h"

[unreachable]
within = "1h"
suspend_for = "12h"
min_attempts = 0

[unreachable_run]
count = 3
run = "consecutive"

[refusal]
removal_within = ""
"""
TABLES = (
    "heartbeats", "sealed", "desk", "policies", "keys", "orders", "entries", "work", "claims",
    "tasks", "suspensions", "evidence", "contacts", "incident_urls", "incidents", "sites",
)  # fmt: skip


def upgrade() -> None:
    _create_sites()
    _create_incidents()
    _index_incidents()
    _create_suspensions()
    _create_queue()
    _create_record()
    _create_desk()
    _activate_documented_policy()


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)


def _create_sites() -> None:
    op.create_table(
        "sites",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        _word("name"),
        _word("state"),
        _word("rule", null=True),
        _integer("epoch"),
        _integer("run"),
        _boolean("disputed"),
        _boolean("held"),
        _word("hold_by", null=True),
        _moment("hold_at", null=True),
        _word("hold_reason", null=True),
        _text("closure", null=True),
        _moment("closed_at", null=True),
        _moment("suspended_until", null=True),
        _word("request_by", null=True),
        _moment("request_at", null=True),
        _word("request_reason", null=True),
        _word("phone", null=True),
        _word("email", null=True),
        _word("person", null=True),
        _moment("created_at", null=True),
        _moment("last_entry_at", null=True),
        _number("seq"),
        _integer("last_incident"),
        _integer("last_suspension"),
        _integer("last_task"),
        _moment("next_due", null=True),
        sa.CheckConstraint("state IN ('active', 'suspended', 'closed')", name="ck_sites_state"),
        sa.PrimaryKeyConstraint("id", name="pk_sites"),
        sa.UniqueConstraint("name", name="uq_sites_name"),
    )
    _index("ix_sites_due", "sites", "next_due", "id", where="next_due IS NOT NULL")


def _create_incidents() -> None:
    op.create_table(
        "incidents",
        _number("site_id"),
        _integer("n"),
        _word("state"),
        _integer("epoch"),
        _moment("occurred_at"),
        _moment("recorded_at"),
        _word("by"),
        _moment("contact_due", null=True),
        _moment("removal_due", null=True),
        _moment("lapsed_at", null=True),
        _integer("suspension", null=True),
        _integer("recurs", null=True),
        _word("category", null=True),
        _word("note", null=True),
        _integer("corrections"),
        _boolean("reached_in_time"),
        sa.CheckConstraint(
            "state IN ('open', 'notified', 'unreached', 'removed', 'refused', 'voided', 'moot')",
            name="ck_incidents_state",
        ),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_incidents_site_id_sites"),
        sa.PrimaryKeyConstraint("site_id", "n", name="pk_incidents"),
    )
    op.create_table(
        "incident_urls",
        _number("site_id"),
        _integer("incident"),
        _integer("position"),
        _word("url"),
        _word("url_key"),
        sa.ForeignKeyConstraint(
            ["site_id", "incident"],
            ["incidents.site_id", "incidents.n"],
            name="fk_incident_urls_site_id_incident_incidents",
        ),
        sa.PrimaryKeyConstraint("site_id", "incident", "position", name="pk_incident_urls"),
    )
    op.create_table(
        "contacts",
        _number("site_id"),
        _integer("incident"),
        _integer("n"),
        _word("outcome"),
        _moment("occurred_at"),
        _moment("recorded_at"),
        _word("by"),
        _boolean("stopped_clock"),
        _moment("voided_at", null=True),
        _word("note", null=True),
        sa.ForeignKeyConstraint(
            ["site_id", "incident"],
            ["incidents.site_id", "incidents.n"],
            name="fk_contacts_site_id_incident_incidents",
        ),
        sa.PrimaryKeyConstraint("site_id", "incident", "n", name="pk_contacts"),
    )
    op.create_table(
        "evidence",
        _number("site_id"),
        _integer("incident"),
        _integer("position"),
        _word("digest"),
        _number("size"),
        _word("name", null=True),
        _moment("recorded_at"),
        _word("by"),
        sa.ForeignKeyConstraint(
            ["site_id", "incident"],
            ["incidents.site_id", "incidents.n"],
            name="fk_evidence_site_id_incident_incidents",
        ),
        sa.PrimaryKeyConstraint("site_id", "incident", "position", name="pk_evidence"),
    )


def _create_suspensions() -> None:
    op.create_table(
        "suspensions",
        _number("site_id"),
        _integer("n"),
        _integer("epoch"),
        _integer("starter"),
        _moment("due"),
        _moment("made_at"),
        _moment("until", null=True),
        _moment("ended_at", null=True),
        _boolean("struck"),
        _boolean("closed"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_suspensions_site_id_sites"),
        sa.PrimaryKeyConstraint("site_id", "n", name="pk_suspensions"),
    )
    _index("uq_suspensions_running", "suspensions", "site_id",
           where="ended_at IS NULL", unique=True)  # fmt: skip
    _index("ix_suspensions_run", "suspensions", "site_id", "epoch", "due", "starter",
           where="struck IS FALSE", sqlite_where="struck IS 0")  # fmt: skip


def _create_queue() -> None:
    op.create_table(
        "tasks",
        _number("site_id"),
        _integer("n"),
        _word("kind"),
        _integer("epoch"),
        _text("incidents"),
        _moment("opened_at"),
        _moment("done_at", null=True),
        _word("outcome", null=True),
        _word("note", null=True),
        _word("by", null=True),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_tasks_site_id_sites"),
        sa.PrimaryKeyConstraint("site_id", "n", name="pk_tasks"),
    )
    _index("ix_tasks_open", "tasks", "site_id", where="done_at IS NULL")
    op.create_table(
        "claims",
        _number("site_id"),
        _word("item"),
        _word("by"),
        _moment("at"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_claims_site_id_sites"),
        sa.PrimaryKeyConstraint("site_id", "item", name="pk_claims"),
    )
    _index("ix_claims_by", "claims", "by")
    op.create_table(
        "work",
        _number("site_id"),
        _word("item"),
        _word("kind"),
        _integer("incident", null=True),
        _moment("due", null=True),
        _moment("sort_due"),
        _moment("recorded_at"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_work_site_id_sites"),
        sa.PrimaryKeyConstraint("site_id", "item", name="pk_work"),
    )
    _index("ix_work_queue", "work", "sort_due", "recorded_at", "site_id", "item")


def _create_record() -> None:
    op.create_table(
        "entries",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        _number("site_id"),
        _number("site_seq"),
        _moment("recorded_at"),
        _text("body"),
        sa.PrimaryKeyConstraint("id", name="pk_entries"),
        sqlite_autoincrement=True,
    )
    _index("uq_entries_site_id_site_seq", "entries", "site_id", "site_seq", unique=True)
    _index("ix_entries_recorded_at", "entries", "recorded_at")
    op.create_table(
        "orders",
        _number("site_id"),
        _number("site_seq"),
        _integer("n"),
        _word("kind"),
        _text("data"),
        _moment("created_at"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_orders_site_id_sites"),
        sa.PrimaryKeyConstraint("site_id", "site_seq", "n", name="pk_orders"),
    )
    op.create_table(
        "keys",
        _word("key"),
        _word("fingerprint"),
        _text("answer"),
        _moment("recorded_at"),
        _word("person"),
        sa.PrimaryKeyConstraint("key", name="pk_keys"),
    )


def _create_desk() -> None:
    op.create_table(
        "policies",
        _word("digest"),
        _text("toml"),
        _moment("activated_at", null=True),
        _word("by", null=True),
        _word("reason", null=True),
        sa.PrimaryKeyConstraint("digest", name="pk_policies"),
    )
    op.create_table(
        "desk",
        _integer("id"),
        _word("policy"),
        _number("seq"),
        sa.CheckConstraint("id = 1", name="ck_desk_single"),
        sa.ForeignKeyConstraint(["policy"], ["policies.digest"], name="fk_desk_policy_policies"),
        sa.PrimaryKeyConstraint("id", name="pk_desk"),
    )
    op.create_table(
        "sealed",
        _word("ref"),
        _blob("salt"),
        _text("value"),
        sa.PrimaryKeyConstraint("ref", name="pk_sealed"),
    )
    op.create_table(
        "heartbeats",
        _word("daemon"),
        _word("host"),
        _integer("pid"),
        _moment("started_at"),
        _moment("beat_at"),
        _text("standing_aside", null=True),
        sa.PrimaryKeyConstraint("daemon", name="pk_heartbeats"),
    )


def _index_incidents() -> None:
    _index("ix_incidents_unsettled", "incidents", "site_id",
           where="state IN ('open', 'unreached', 'notified')")  # fmt: skip
    _index("ix_incidents_countable", "incidents", "site_id", "epoch", "occurred_at", "n",
           where="state NOT IN ('voided', 'moot')")  # fmt: skip
    _index("ix_incidents_in_time", "incidents", "site_id", "epoch", "contact_due", "n",
           where="reached_in_time AND state != 'voided'",
           sqlite_where="reached_in_time = 1 AND state != 'voided'")  # fmt: skip
    _index("ix_incidents_unlisted", "incidents", "site_id",
           where="state IN ('refused', 'moot')")  # fmt: skip
    _index("ix_incidents_member", "incidents", "site_id", "suspension",
           where="suspension IS NOT NULL")  # fmt: skip
    _index("ix_incident_urls_site_id_url_key", "incident_urls", "site_id", "url_key")


def _activate_documented_policy() -> None:
    policies = sa.table("policies", sa.column("digest", sa.Text), sa.column("toml", sa.Text))
    desk = sa.table(
        "desk", sa.column("id", sa.Integer), sa.column("policy", sa.Text),
        sa.column("seq", sa.Integer),
    )  # fmt: skip
    op.execute(policies.insert().values(digest=DOCUMENTED_DIGEST, toml=DOCUMENTED_TOML))
    op.execute(desk.insert().values(id=1, policy=DOCUMENTED_DIGEST, seq=0))


def _index(
    name: str,
    table: str,
    *columns: str,
    where: str | None = None,
    sqlite_where: str | None = None,
    unique: bool = False,
) -> None:
    op.create_index(
        name,
        table,
        list(columns),
        unique=unique,
        postgresql_where=None if where is None else sa.text(where),
        sqlite_where=None if where is None else sa.text(sqlite_where or where),
    )


def _moment(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, MOMENT, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, NUMBER, nullable=null, autoincrement=False)


def _word(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, WORD, nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=null)


def _integer(name: str, *, null: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=null, autoincrement=False)


def _boolean(name: str) -> sa.Column:
    return sa.Column(name, sa.Boolean(), nullable=False)


def _blob(name: str) -> sa.Column:
    return sa.Column(name, sa.LargeBinary(), nullable=False)
