"""Accounts: who may come in over the network, and how they prove who they are.

Revision: 0005

Nobody has an account at first: then all is as before, and who writes to the database is whoever can
reach it. A downgrade forgets the passwords; the accounts and tokens themselves stay in the entries,
from which they are taken up again.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the tables."""
    op.create_table(
        "accounts",
        sa.Column("handle", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("disabled_at", MOMENT),
        sa.PrimaryKeyConstraint("handle", name="pk_accounts"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", WORD, nullable=False),
        sa.Column("handle", WORD, nullable=False),
        sa.Column("digest", WORD, nullable=False),
        sa.Column("acts", sa.Text),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        _of_account("tokens"),
    )
    op.create_index("uq_tokens_digest", "tokens", ["digest"], unique=True)
    op.create_table(
        "passwords",
        sa.Column("handle", WORD, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.Column("set_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("handle", name="pk_passwords"),
        _of_account("passwords"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("handle", WORD, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("proved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        _of_account("sessions"),
    )
    op.create_index("ix_sessions_handle", "sessions", ["handle"])
    op.create_table(
        "attempts",
        sa.Column("key", WORD, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
    )
    _take_up()


def downgrade() -> None:
    """Takes them away."""
    for table in ("attempts", "sessions", "passwords", "tokens", "accounts"):
        op.drop_table(table)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["handle"], ["accounts.handle"], name=f"fk_{table}_handle_accounts"
    )


def _take_up() -> None:
    """Accounts and tokens as the desk's own entries have them."""
    names = ("site_id", "site_seq", "body")
    entries = sa.table("entries", *map(sa.column, names))
    told = sa.or_(
        *(entries.c.body.contains(f'"kind":"{kind}_', autoescape=True)
          for kind in ("account", "role", "token"))
    )  # fmt: skip
    own = sa.select(entries.c.body).where(entries.c.site_id == 0, told)
    accounts: dict[str, dict[str, Any]] = {}
    tokens: dict[str, dict[str, Any]] = {}
    for body in op.get_bind().scalars(own.order_by(entries.c.site_seq)).all():
        entry = json.loads(body)
        _happened(entry["kind"], _moment(entry["recorded_at"]), entry["data"], accounts, tokens)
    for name, rows in (("accounts", accounts), ("tokens", tokens)):
        for row in rows.values():
            table = sa.table(name, *map(sa.column, row))
            op.execute(sa.insert(table).values(row))


def _happened(
    kind: str, at: Any, data: dict[str, Any],
    accounts: dict[str, dict[str, Any]], tokens: dict[str, dict[str, Any]],
) -> None:  # fmt: skip
    match kind:
        case "account_made":
            accounts[data["handle"]] = {**data, "made_at": at, "disabled_at": None}
        case "role_given":
            accounts[data["handle"]]["role"] = data["role"]
        case "account_disabled":
            accounts[data["handle"]]["disabled_at"] = at
        case "account_enabled":
            accounts[data["handle"]]["disabled_at"] = None
        case "token_made":
            acts = data.get("acts")
            kept = None if acts is None else json.dumps(acts, separators=(",", ":"))
            tokens[data["token"]] = {
                "id": data["token"], "handle": data["handle"], "digest": data["digest"],
                "acts": kept, "made_at": at, "expires_at": _moment(data["expires"]),
                "revoked_at": None,
            }  # fmt: skip
        case "token_revoked":
            tokens[data["token"]]["revoked_at"] = at


def _moment(text: str) -> Any:
    """A time as the columns hold it: on SQLite in microseconds since 1970."""
    moment = datetime.fromisoformat(text)
    if op.get_bind().dialect.name != "sqlite":
        return moment
    epoch = datetime(1970, 1, 1, tzinfo=moment.tzinfo)
    return (moment - epoch) // timedelta(microseconds=1)
