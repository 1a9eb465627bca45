"""Filings: their details, the terms that run, when a page was seen, and what a task is about.

Revision: 0010

A downgrade takes the tables away; what is filed stays in the entries, from which it is taken up
again.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

_WITHIN = timedelta(days=30)
_REMIND = (14, 7, 1)
_TERMS = {"file": ("opened_on", "filed_on"), "show_number": ("approved_on", "shown_on")}
_TASKS = ("file", "show_number", "suspicion", "footer")
_LAST = datetime(9999, 1, 2, tzinfo=UTC)
_KINDS = ("filing_changed", "filing_reminded", "task_opened")


def upgrade() -> None:
    """Adds the tables and the column, with what the entries have of them."""
    details = op.create_table(
        "filing_details",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("key", WORD, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "key", name="pk_filing_details"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_filing_details_site_id_sites"),
    )
    op.create_index("ix_filing_details_key", "filing_details", ["key", "site_id"])
    terms = op.create_table(
        "filing_terms",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("term", WORD, nullable=False),
        sa.Column("due_on", WORD, nullable=False),
        sa.Column("reminded_on", WORD),
        sa.Column("remind_on", WORD, nullable=False),
        sa.PrimaryKeyConstraint("site_id", "term", name="pk_filing_terms"),
        sa.ForeignKeyConstraint(["site_id"], ["sites.id"], name="fk_filing_terms_site_id_sites"),
    )
    op.create_index("ix_filing_terms_remind", "filing_terms", ["remind_on", "site_id"])
    op.create_index("ix_filing_terms_reminded", "filing_terms", ["reminded_on"])
    op.create_index("ix_filing_terms_due", "filing_terms", ["due_on", "site_id"])
    op.create_table(
        "footers",
        sa.Column("site_id", NUMBER, nullable=False, autoincrement=False),
        sa.Column("next_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("site_id", name="pk_footers"),
    )
    op.create_index("ix_footers_next", "footers", ["next_at", "site_id"])
    op.add_column("tasks", sa.Column("about", sa.Text))
    _take_up(details, terms)
    _list_again()


def downgrade() -> None:
    """Takes them away; what is filed stays in the entries."""
    # The program of before knows no such items, and would list nothing for their sake.
    work = sa.table("work", sa.column("kind"))
    op.execute(sa.delete(work).where(work.c.kind.in_(_TASKS)))
    op.drop_column("tasks", "about")
    op.drop_table("footers")
    op.drop_table("filing_terms")
    op.drop_table("filing_details")


def _take_up(details: sa.Table, terms: sa.Table) -> None:
    filed, running = _told()
    rows = [
        {"site_id": site, "key": key, "value": text}
        for site, own in filed.items()
        for key, text in own.items()
    ]
    if rows:
        op.bulk_insert(details, rows)
    rows = [
        {"site_id": site, "term": name, **term}
        for site, own in running.items()
        for name, term in own.items()
    ]
    if rows:
        op.bulk_insert(terms, rows)


def _list_again() -> None:
    """What waits in the queue of filings, on sites that are not closed."""
    columns = ("site_id", "item", "kind", "incident", "due", "sort_due", "recorded_at")
    typed = {"sort_due": MOMENT, "recorded_at": MOMENT, "due": MOMENT}
    work = sa.table("work", *(sa.column(name, typed.get(name)) for name in columns))
    tasks = sa.table("tasks", *map(sa.column, ("site_id", "n", "kind", "opened_at", "done_at"))).c
    sites = sa.table("sites", *map(sa.column, ("id", "state"))).c
    waiting = (
        sa.select(tasks.site_id, tasks.n, tasks.kind, tasks.opened_at)
        .join_from(tasks.site_id.table, sites.id.table, sites.id == tasks.site_id)
        .where(tasks.done_at.is_(None), tasks.kind.in_(_TASKS), sites.state != "closed")
    )
    rows = [
        {
            "site_id": site_id, "item": f"t{n}", "kind": kind, "incident": None, "due": None,
            "sort_due": _moment(_LAST), "recorded_at": opened_at,
        }
        for site_id, n, kind, opened_at in op.get_bind().execute(waiting)
    ]  # fmt: skip
    if rows:
        op.bulk_insert(work, rows)


def _moment(moment: datetime) -> Any:
    """A time as the column holds it: on SQLite in microseconds since 1970."""
    if op.get_bind().dialect.name != "sqlite":
        return moment
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _told() -> tuple[dict[int, dict[str, str]], dict[int, dict[str, dict[str, Any]]]]:
    """The details and terms as the entries have them, and what each task is about."""
    of = sa.table("entries", *map(sa.column, ("site_id", "site_seq", "body"))).c
    kind = [of.body.contains(f'"kind":"{word}"', autoescape=True) for word in _KINDS]
    # Of the tasks those alone that are about something of a filing.
    kind[-1] = sa.and_(kind[-1], of.body.contains('"about":', autoescape=True))
    found = sa.select(of.site_id, of.body).where(sa.or_(*kind)).order_by(of.site_id, of.site_seq)
    filed: dict[int, dict[str, str]] = {}
    running: dict[int, dict[str, dict[str, Any]]] = {}
    for site_id, body in op.get_bind().execute(found).all():
        entry = json.loads(body)
        data = entry["data"]
        if entry["kind"] == "filing_changed":
            own = filed.setdefault(site_id, {})
            own.update(data.get("details", {}))
            filed[site_id] = {key: text for key, text in own.items() if text}
            running[site_id] = _terms(filed[site_id], running.get(site_id, {}))
        elif entry["kind"] == "filing_reminded":
            running[site_id][data["term"]] = _term(data["due_on"], data["on"])
        elif entry["kind"] == "task_opened" and "about" in data:
            _take_up_task(site_id, int(data["task"].rpartition("-t")[2]), data["about"])
    return filed, running


def _take_up_task(site_id: int, n: int, about: list[str]) -> None:
    tasks = sa.table("tasks", *map(sa.column, ("site_id", "n", "about")))
    text = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    where = sa.and_(tasks.c.site_id == site_id, tasks.c.n == n)
    op.execute(sa.update(tasks).where(where).values(about=text))


def _terms(details: dict[str, str], before: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {}
    for name, (begun, ended) in _TERMS.items():
        done = ended in details or (name == "file" and "approved_on" in details)
        if begun in details and not done:
            due_on = (date.fromisoformat(details[begun]) + _WITHIN).isoformat()
            was = before.get(name)
            found[name] = was if was and was["due_on"] == due_on else _term(due_on, None)
    return found


def _term(due_on: str, reminded_on: str | None) -> dict[str, Any]:
    due = date.fromisoformat(due_on)
    days = [due - timedelta(days=ahead) for ahead in _REMIND]
    remind_on = days[0]
    if reminded_on is not None:
        last = date.fromisoformat(reminded_on)
        after = (day for day in days if day > last)
        remind_on = next(after, max(last, due) + timedelta(days=1))
    return {"due_on": due_on, "reminded_on": reminded_on, "remind_on": remind_on.isoformat()}
