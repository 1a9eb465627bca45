"""The reference of the database: every table, column, index and constraint, from the schema."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table
from sqlalchemy.dialects import postgresql, sqlite

from incidents.store.schema.catalogue import is_for_sqlite, schema
from scripts.generated.markdown import page, table

_TABLES = {
    "sites": "One row per site, with what is derived of its case. Its lock covers everything of the"
    " site; the daemon wakes for `next_due`.",
    "incidents": "The violations; `n` counts within the site: `12-3` is `site_id` 12, `n` 3.",
    "incident_urls": "The addresses of an incident, at most 50.",
    "contacts": "Calls and messages, also voided ones.",
    "evidence": "Attached files by their digest; the files are in the evidence folder.",
    "notes": "Notes on incidents, and for whom: `desk` or `customer`.",
    "suspensions": "The cases of R2 and R3; `closed` marks the one that closed the site, `struck` a"
    " voided one.",
    "tasks": "The desk's tasks, with their outcomes.",
    "filing_details": "The filed details of a site, by key; personal data is a reference.",
    "filing_terms": "The terms of filings: the last day of each, the last reminder and the next."
    " Days are in the desk's zone.",
    "footers": "When the footer of a site's page is checked next.",
    "claims": "Who works on which item of the queue.",
    "work": "The queue: one row per item, written with whatever changes it.",
    "entries": "The record: one canonical JSON text per event, never updated. Site id 0 is the"
    " desk's own stream.",
    "orders": "The outbox: orders to the live system. Never updated.",
    "deliveries": "The orders that are not settled: waiting, being carried out until `next_at` by"
    " `held_by`, or dead letters. The entries tell of the others.",
    "alarms": "Alarms that the desk has got, so that each comes once.",
    "uncompared": "Sites whose actual state could not be compared since the record lost its latest"
    " entries, since when, and why.",
    "reports": "The reports from outside: one row each, with how it ended. `reading` is a reference"
    " to what was read out of it.",
    "intake_rules": "The intake rules that were ever in force, as their file; the last ones are.",
    "holdings": "The address book: which customer had which site, domain or network, and when.",
    "reporters": "The reporters whom the desk has marked, with their standing. `reporter` is a"
    " hash that stands for the address; `words` is a reference to the address and the reason.",
    "answers": "The mails to reporters, a row for each report that one was about: when it was sent,"
    " or why not.",
    "waiting_answers": "The mails to reporters that wait to be sent, or for an incident to end.",
    "report_snapshots": "What was found at the web addresses of reports, and when; `words` is a"
    " reference to the address, the title and the text. `screenshot` is the digest of a picture of"
    " the page.",
    "report_reopenings": "How the reports that were opened again had ended before, by whom they"
    " were opened again, and why (a reference, as the reason for a dismissal is).",
    "waiting_snapshots": "The reports whose web addresses a daemon is to look at.",
    "report_incidents": "The incidents to which a report about several sites led before it ended,"
    " since it was opened again if it was.",
    "report_hosts": "The hosts that a report names, by which reports are found.",
    "keys": (
        "The answers to commands with `--key`, so that a repeated command gets the same one. They"
        " are deleted after the setting `[retention] keys`; of an imported row, the key stays."
    ),
    "policies": "Every policy that was ever active, as its file.",
    "desk": "One row: the active policy, and the number of entries in the desk's own stream.",
    "sealed": "Personal data with its salts, in this table only. Other places have references, so a"
    " deleted row breaks no proof.",
    "leaves": "The numbers of the log: which entry is its leaf. Dense from 0, never updated.",
    "tiles": "The tree over the leaves (C2SP tlog-tiles): up to 256 hashes of 32 bytes per tile;"
    " the last one of each level grows.",
    "archive_parts": "The files with the entries, orders and tiles that these tables no longer hold"
    " ([archive parts](../how-to/archive-old-entries.md)); never updated.",
    "archived_sites": "The sites that have entries in each of these files, so that a site's entries"
    " are looked for in its own files alone.",
    "log_head": "One row: the size of the tree, the roots of its perfect subtrees, and up to which"
    " id every entry has a number.",
    "checkpoints": (
        "The signed checkpoints (C2SP tlog-checkpoint), never updated; old ones are thinned."
    ),
    "cosignatures": "The witnesses' signatures of checkpoints (C2SP tlog-cosignature).",
    "stamps": "The time stamps of checkpoints (RFC 3161).",
    "log_keys": "The public keys that sign checkpoints, each with its entry in the desk's own"
    " stream; the last one signs.",
    "accounts": "The accounts and their roles. In the desk's own stream, like `tokens`.",
    "tokens": "The digests of the tokens.",
    "passwords": "The hashes of the passwords (Argon2id). In no entry: a downgrade deletes them.",
    "invitations": "The invitations, by the digest of their secret. In the desk's own stream.",
    "factors": "The second factors and recovery codes; without their secret once they are gone."
    " In the desk's own stream is that they were added and removed.",
    "sessions": "The open sessions, by the digest of the cookie.",
    "serve_keys": "The digests of the keys by which `serve` seals passwords, tokens and sessions;"
    " the newest is in use.",
    "attempts": "Failed sign-ins within the last hour, and from where.",
    "sign_ins": "Sign-ins, sign-outs and failed sign-ins. In no entry; old rows get pseudonyms in"
    " place of people and addresses.",
    "saved_views": "Filters of the console's lists that people keep by a name. In no entry.",
    "refusals": "Who was refused what, counted by day (UTC); erased like sign-ins.",
    "rehearsal": "One row if the database is a rehearsal: any clock is accepted.",
    "heartbeats": (
        "The running daemons, and under `once:HOST` the last `daemon --once` of a host."
    ),
}


def text() -> str:
    """The page."""
    return page(
        "# The database",
        "The tables, the same on SQLite and PostgreSQL. You may read them with other tools, but"
        " write only through the command line: `incidents audit replay` finds other changes.",
        "Times are UTC to the microsecond, on SQLite as microseconds since 1970. `note`, `reason`,"
        " `phone`, `email`, `person` and the like are references to `sealed` (`sha256:…`). `epoch`"
        " counts the reinstatements of a site; the rules ignore earlier epochs.",
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
    refers = ", ".join(
        sorted(f"`{key.target_fullname}`{_where(key.constraint)}" for key in column.foreign_keys)
    )
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
            found.append(f"(`{ours}`) refers to (`{theirs}`){_where(rule)}")
    return found


def _where(key: ForeignKeyConstraint | None) -> str:
    return "" if key is None or not is_for_sqlite(key) else ", a constraint on SQLite alone"


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
