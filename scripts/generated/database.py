"""The reference of the database: every table, column, index and constraint, from the schema."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table
from sqlalchemy.dialects import postgresql, sqlite

from incidents.store.schema.catalogue import schema
from scripts.generated.markdown import page, table

_TABLES = {
    "sites": "One row a site, with what is derived of its case. Its lock is the lock of all that"
    " belongs to the site; `next_due` is what the daemon wakes for.",
    "incidents": "The violations; `n` counts within the site: `12-3` is `site_id` 12, `n` 3.",
    "incident_urls": "The addresses of an incident, at most 50.",
    "contacts": "Calls and messages, kept when they are voided.",
    "evidence": "Attached files by their digest; the files themselves lie in the evidence folder.",
    "notes": "What was written about an incident, and for whom: `desk` or `customer`.",
    "suspensions": "The cases of R2 and R3. `closed` marks the one that closed the site.",
    "tasks": "What the desk was asked to do, and its outcome.",
    "filing_details": "What is filed of a site, by key; people's own is a reference.",
    "filing_terms": "The terms that run by what is filed: the last day of each, when the desk was"
    " reminded of it last, and when it will be next. Days of the desk's own zone.",
    "footers": "When somebody looks next at the foot of a site's page.",
    "claims": "Who works on which item of the queue.",
    "work": "The queue: one row an item, written with whatever changes it.",
    "entries": "The record: one canonical JSON text for each event, never updated. Site id 0 is the"
    " desk's own stream.",
    "orders": "The outbox: what the world must be told to do. Never updated.",
    "deliveries": "The orders that are not settled in a lane: they wait, are in somebody's hands"
    " until `next_at` (`held_by`), or are dead letters. Of the others the entries tell.",
    "alarms": "What the desk was told, so that each alarm is told once.",
    "uncompared": "The sites that could not be compared with the world since the record lost its"
    " end, since when, and why.",
    "keys": "What `--key` has answered, so that a repeated command gets the same answer.",
    "policies": "Every policy that was ever active, as its file.",
    "desk": "One row: the active policy, and how many entries the desk's own stream has.",
    "sealed": "People's own words, with their salts: the only table that holds them. Every other"
    " place has a reference, so that a row can go from here and no proof is broken.",
    "leaves": "The numbers of the log: which entry is its leaf. Dense from 0, never updated.",
    "tiles": "The tree over the leaves (C2SP tlog-tiles): up to 256 hashes of 32 bytes a tile; the"
    " last one of each level grows.",
    "log_head": "One row: the size of the tree, the roots of its perfect subtrees, and up to which"
    " id no entry is without a number.",
    "checkpoints": "What was signed of the log (C2SP tlog-checkpoint), never updated.",
    "cosignatures": "What witnesses have signed of a checkpoint (C2SP tlog-cosignature).",
    "stamps": "What a time-stamping authority has signed of a checkpoint (RFC 3161).",
    "log_keys": "The public keys that sign checkpoints, each with its entry in the desk's own"
    " stream; the last one signs.",
    "accounts": "Who may come in, and as what. Of the desk's own stream, as `tokens` are.",
    "tokens": "What programs come in with: the digest of each, never the token.",
    "passwords": "The hashes of the passwords (Argon2id). In no entry: a downgrade forgets them.",
    "sessions": "Who is signed in, under the digest of the cookie.",
    "serve_keys": "The keys that `serve` has sealed passwords, tokens and sessions with: the digest"
    " of each, never the key. The newest holds.",
    "attempts": "Who has failed to sign in within the last hour, and from where.",
    "sign_ins": "Who signed in and out and who was not let in. In no entry; a row stays, and once"
    " it is old enough pseudonyms take the place of people and addresses.",
    "refusals": "Who was not let do what, counted by the day (UTC); erased as sign-ins are.",
    "rehearsal": "One row where the database is a rehearsal: any clock is accepted.",
    "heartbeats": (
        "The daemons at work, and under `once:HOST` the last `daemon --once` of a host."
    ),
}


def text() -> str:
    """The page."""
    return page(
        "# The database",
        "The same tables on SQLite and PostgreSQL. The command line is the way in; reading them"
        " with other tools is safe, and whatever else writes to them is found by"
        " `incidents audit replay`.",
        "Times are UTC to the microsecond, on SQLite as microseconds since 1970. `note`,"
        " `reason`, `phone`, `email`, `person` and the like are references to `sealed`"
        " (`sha256:…`). `epoch` counts the reinstatements of a site: what is from before one counts"
        " in no rule after it.",
        *(part for each in _all() for part in _table(each)),
    )


def _all() -> list[Table]:
    found = schema().tables
    assert set(found) == set(_TABLES), "describe each table here"
    # Theirs depends on which module was imported first.
    return [found[name] for name in _TABLES]


def _table(each: Table) -> list[str]:
    parts = [
        f"## {each.name}",
        _TABLES[each.name],
        table(("column", "SQLite", "PostgreSQL", "", "refers to"), map(_column, each.columns)),
    ]
    if rules := [*_constraints(each), *_indexes(each)]:
        parts.append("\n".join(f"- {rule}" for rule in rules))
    return parts


def _column(column: Column[object]) -> tuple[str, ...]:
    key = "primary key" if column.primary_key else "may be null" if column.nullable else ""
    refers = ", ".join(sorted(f"`{key.target_fullname}`" for key in column.foreign_keys))
    kinds = (column.type.compile(dialect=of.dialect()) for of in (sqlite, postgresql))
    return f"`{column.name}`", *(f"`{kind}`" for kind in kinds), key, refers


def _constraints(each: Table) -> list[str]:
    found = []
    for rule in sorted(each.constraints, key=lambda rule: str(rule.name)):
        if isinstance(rule, CheckConstraint):
            found.append(f"check `{rule.sqltext}`")
        elif isinstance(rule, ForeignKeyConstraint) and len(rule.columns) > 1:
            ours = ", ".join(rule.column_keys)
            theirs = ", ".join(element.target_fullname for element in rule.elements)
            found.append(f"(`{ours}`) refers to (`{theirs}`)")
    return found


def _indexes(each: Table) -> list[str]:
    own = [f"unique (`{column.name}`)" for column in each.columns if column.unique]
    return own + [
        _index(index, each.name) for index in sorted(each.indexes, key=lambda i: str(i.name))
    ]


def _index(index: Index, each: str) -> str:
    columns = ", ".join(column.name for column in index.columns)
    where = index.dialect_options["sqlite"]["where"]
    kind = "unique" if index.unique else "index"
    only = "" if where is None else f" where `{_plain(where, each)}`"
    return f"{kind} (`{columns}`){only}"


def _plain(where: object, table_name: str) -> str:
    compiled = where.compile(  # type: ignore[attr-defined]  # an element of SQLAlchemy
        dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}
    )
    return " ".join(str(compiled).replace(f"{table_name}.", "").strip("()").split())
