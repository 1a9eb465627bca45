"""Two people close: what one person has asked for, and a second is to confirm (R4, R5).

Revision: 0007
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("closing_by", WORD),
    ("closing_at", MOMENT),
    ("closing_said_at", MOMENT),
    ("closing_incident", sa.Integer()),
    ("closing_field", WORD),
    ("closing_text", WORD),
)
_ITEM = "closure"


def upgrade() -> None:
    """Adds the columns, and what waits still by the entries, after a downgrade."""
    for name, type_ in _COLUMNS:
        op.add_column("sites", sa.Column(name, type_))
    _take_up()


def downgrade() -> None:
    """Takes them away, and what waits for a second person from the queue; the entries keep it."""
    for table in ("work", "claims"):
        op.execute(sa.delete(rows := sa.table(table, sa.column("item"))).where(
            rows.c.item == _ITEM
        ))  # fmt: skip
    for name, _ in reversed(_COLUMNS):
        op.drop_column("sites", name)


def _take_up() -> None:
    names = ("site_id", "site_seq", "body")
    entries = sa.table("entries", *map(sa.column, names))
    asked = sa.select(entries.c.site_id).where(
        entries.c.body.contains('"kind":"closure_asked"', autoescape=True)
    )
    found = sa.select(entries.c.site_id, entries.c.body).where(entries.c.site_id.in_(asked))
    waiting: dict[int, dict[str, Any]] = {}
    told: dict[str, datetime] = {}
    ordered = found.order_by(entries.c.site_id, entries.c.site_seq)
    for site_id, body in op.get_bind().execute(ordered):
        entry = json.loads(body)
        _tell(entry, told)
        _happened(site_id, entry, waiting, told)
    sites = sa.table("sites", sa.column("id"), *(sa.column(name) for name, _ in _COLUMNS))
    columns = ("site_id", "item", "kind", "incident", "due", "sort_due", "recorded_at")
    work = sa.table("work", *map(sa.column, columns))
    for site_id, found_there in waiting.items():
        request = {name: found_there[name] for name, _ in _COLUMNS}
        op.execute(sa.update(sites).where(sites.c.id == site_id).values(request))
        at, incident = request["closing_at"], request["closing_incident"]
        row = (site_id, _ITEM, _ITEM, incident, at, at, at)
        op.execute(sa.insert(work).values(dict(zip(columns, row, strict=True))))


def _tell(entry: dict[str, Any], told: dict[str, datetime]) -> None:
    """When the person was told of an incident, by the contacts that stand."""
    data, kind = entry["data"], entry["kind"]
    if kind == "contact_recorded" and data["outcome"] == "reached":
        told[data["contact"]] = datetime.fromisoformat(entry["occurred_at"])
    elif kind == "contact_voided":
        told.pop(data["contact"], None)
    elif kind == "incident_imported" and data.get("contact") == "reached":
        at = data.get("contact_at", entry["occurred_at"])
        told[f"{data['incident']}-1"] = datetime.fromisoformat(at)


def _happened(
    site_id: int,
    entry: dict[str, Any],
    waiting: dict[int, dict[str, Any]],
    told: dict[str, datetime],
) -> None:
    data, kind = entry["data"], entry["kind"]
    request = waiting.get(site_id)
    if kind == "closure_asked":
        incident = data.get("incident")
        waiting[site_id] = {
            "incident": incident,
            "said_at": datetime.fromisoformat(entry["occurred_at"]),
            "closing_by": entry["actor"],
            "closing_at": _moment(entry["recorded_at"]),
            "closing_said_at": _moment(entry["occurred_at"]),
            "closing_incident": None if incident is None else int(incident.rpartition("-")[2]),
            "closing_field": data.get("field"),
            "closing_text": data.get("text"),
        }
    elif request is not None and (
        kind in ("closure_declined", "site_closed") or _is_taken_back(data, request, told)
    ):
        del waiting[site_id]


def _is_taken_back(
    data: dict[str, Any], request: dict[str, Any], told: dict[str, datetime]
) -> bool:
    """Whether nobody refuses any more, or none was told before they did."""
    named = request["incident"]
    if named is None or data.get("incident") != named:
        return False
    before = [at for contact, at in told.items() if contact.rpartition("-")[0] == named]
    return data.get("state_to", "notified") != "notified" or not any(
        at <= request["said_at"] for at in before
    )


def _moment(text: str) -> Any:
    """A time as the columns hold it: on SQLite in microseconds since 1970."""
    moment = datetime.fromisoformat(text)
    if op.get_bind().dialect.name != "sqlite":
        return moment
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
