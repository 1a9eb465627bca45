"""Exporting the entries, and deriving all tables from them again, as whole processes.

Measured: entries a second, and the memory at its peak, of `incidents audit export` to /dev/null,
beside what a database's own program does for the same rows: `sqlite3 -json FILE 'SELECT body …'`,
and by psql `COPY (SELECT row_to_json(…)) TO STDOUT` of the bodies in the same order. And of
`incidents audit replay`, which must end with 0: it has found the tables as the record says.

The record: 500 sites through reached and unreached incidents, suspensions and reopenings, written
by the desk, and copied by SQL with other ids and names (`bench.copies`).

Not measured: CSV, and exports of one site or one month. At small sizes the start of the process is
most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shutil import which

from bench import record
from bench.context import Context
from bench.databases import SQLITE, Databases, PostgresqlDatabases, sqlite_file
from bench.program import INCIDENTS, measured
from bench.trial import Contender, Figure, Role, Target, Trial

UNIT = "entries/s"
PEAK = "peak memory"
_IN_ORDER = "SELECT body FROM entries ORDER BY id"


def trials(context: Context) -> Iterator[Trial]:
    """Export and replay on each kind of database."""
    wanted = context.of_size(tiny=200, small=20_000, full=1_000_000)
    for databases in context.each():
        with databases.new() as url:
            entries = record.write(url, wanted)
            yield _export(databases, url, entries)
            yield _replay(databases, url, entries)


def _export(databases: Databases, url: str, entries: int) -> Trial:
    program, command = _floor(databases, url)
    ours = [*INCIDENTS, "audit", "export", "--db", url]
    contenders = [_process("export", "ours", ours, entries)]
    left_out = {}
    if program is not None and which(program) is not None:
        contenders.insert(0, _process("database's own", "floor", command, entries))
    else:
        left_out["database's own"] = "its program is not installed"
    return Trial(
        scenario="export",
        database=databases.kind,
        title=f"export of {entries:,} entries",
        contenders=contenders,
        targets=[
            Target(of="export", against="database's own", at_least=0.6),
            Target(of=f"export, {PEAK}", at_most=150.0),
        ],
        floor=[" ".join(_shown(command))],
        left_out=left_out,
        notes=_notes(entries),
    )


def _replay(databases: Databases, url: str, entries: int) -> Trial:
    command = [*INCIDENTS, "audit", "replay", "--quiet", "--db", url]
    return Trial(
        scenario="export",
        database=databases.kind,
        title=f"replay of {entries:,} entries",
        contenders=[_process("replay", "ours", command, entries)],
        targets=[Target(of="replay", at_least=50_000.0)],
        notes=_notes(entries),
    )


def _notes(entries: int) -> list[str]:
    few = entries < 500_000
    return ["so few that the start of the process counts for much"] if few else []


def _floor(databases: Databases, url: str) -> tuple[str | None, Sequence[str]]:
    if databases.kind == SQLITE:
        return "sqlite3", ["sqlite3", "-json", str(sqlite_file(url)), _IN_ORDER]
    assert isinstance(databases, PostgresqlDatabases)
    psql = databases.server.psql
    copy = f"COPY (SELECT row_to_json(e) FROM ({_IN_ORDER}) AS e) TO STDOUT"
    return psql, [psql or "psql", "--no-psqlrc", "--command", copy, url]


def _process(label: str, role: Role, command: Sequence[str], entries: int) -> Contender:
    def once() -> list[Figure]:
        ended = measured(command)
        return [
            Figure(label, entries / ended.took_s, UNIT),
            Figure(f"{label}, {PEAK}", ended.peak_mib, "MiB"),
        ]

    return Contender(name=label, role=role, run=once)


def _shown(command: Sequence[str]) -> list[str]:
    """The command without this machine's folders."""
    return [part.rpartition("/")[2] if part.startswith("/") else part for part in command[:-1]] + [
        command[-1] if " " in command[-1] else "DATABASE"
    ]
