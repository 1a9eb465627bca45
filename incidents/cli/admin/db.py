"""The database commands: upgrade, check, back up, and grant access."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from incidents import clock
from incidents.cli import options, output, params
from incidents.cli.lazy_group import Group
from incidents.errors import (
    DONE,
    FAILED,
    NOT_VERIFIED,
    Cause,
    FileError,
    InputError,
    VerificationError,
)
from incidents.system import disk

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from incidents.cli.run import Run
    from incidents.desk.tokens import SealingResult


_KEY_HERE = Cause.of(
    "serve_key_here", "run it where servers run, beside the database: the key is in a file there"
)


@click.group(cls=Group)
def db() -> None:
    """Upgrade, check and back up the database, and grant its roles."""


@db.command(short_help="Upgrade the schema, or make a database.")
@click.option(
    "--rehearsal", is_flag=True,
    help="Mark an empty database as a rehearsal permanently: the database accepts simulated times.",
)  # fmt: skip
@options.query
def upgrade(run: Run, rehearsal: bool) -> None:
    """Upgrade the schema of the database, or make a new database."""
    from incidents.store.database import address, schema

    run.makes = True
    engine = run.local.bare_engine
    is_new = schema.status(engine) is schema.Status.EMPTY
    place = address.display_address(engine)
    schema.upgrade(
        engine, rehearsal=rehearsal, waits=lambda: run.inform(run.text("db.waits", place=place))
    )
    sentence = run.text("db.made" if is_new else "db.up_to_date", place=place)
    _report(run, run.local.engine, sentence)


@db.command(short_help="Check the schema and the stored data.")
@options.query
def check(run: Run) -> int:
    """Check the database: its schema, and that all stored data can be read.

    SQLite, or on PostgreSQL the extension amcheck if installed, checks each page, index and
    reference; it lists what it cannot check. It changes nothing. Exits 5 if anything is damaged:
    then restore a backup. Exits 1 if only archive parts are missing or altered: copy them back. To
    verify what the record says, use `audit verify`.
    """
    from incidents.store.database import address, integrity

    engine = run.local.bare_engine
    found = integrity.check(engine)
    damage, parts = ([asdict(each) for each in these] for these in (found.damage, found.parts))
    if run.quiet:
        run.write(*(each.where for each in (*found.damage, *found.parts)))
    elif not run.for_programs:
        run.write(*(run.text("db.damage", what=each.cause) for each in found.damage))
        run.write(*(run.language.cause(each.cause) for each in found.parts))
    code = "db.damaged" if damage else "db.parts_missing" if parts else "db.up_to_date"
    if damage and found.is_other:
        code = "db.no_sqlite"
    _report(
        run,
        engine if damage else run.local.engine,
        run.text(code, place=address.display_address(engine), count=len(parts)),
        is_ours=not found.is_other,
        damage=damage,
        archive_parts=parts,
        not_checked=found.not_checked,
        **_replica(run),
    )
    run.inform(*(run.text("db.not_checked", what=each) for each in found.not_checked))
    return NOT_VERIFIED if damage else FAILED if parts else DONE


@db.command(short_help="Write a consistent copy of a SQLite database.")
@click.argument("file", type=params.File(), metavar="FILE")
@options.query
def backup(run: Run, file: Path) -> None:
    """Write a consistent copy of a SQLite database to FILE, while programs use it.

    It first checks the database, as `db check` does, and does not copy a damaged one (exit status
    5). Archive parts are files of their own, which it neither reads nor copies.
    """
    from incidents.store.database import address, integrity

    engine = run.local.bare_engine
    if engine.dialect.name != "sqlite":
        raise InputError.coded(
            "backup_of_postgresql",
            "back up PostgreSQL with its own tool: pg_dump --format=custom --file={file} '{place}'",
            file=file, place=address.display_address(engine),
        )  # fmt: skip
    _refuse_what_is_there(file)
    if found := integrity.check(engine, with_parts=False).damage:
        raise VerificationError.coded(
            "damaged_not_copied",
            "{place} is damaged and was not copied ({damage}): see incidents db check, and restore"
            " an earlier backup",
            place=address.display_address(engine), damage=found[0].cause,
        )  # fmt: skip
    _copy(engine, file)
    sentence = run.text("db.copied", file=str(file), place=address.display_address(engine))
    _report(run, run.local.engine, sentence, file=str(file))


@db.command(short_help="Print the SQL for a PostgreSQL role.")
@click.argument("role", type=params.text("role", limit=63), metavar="ROLE")
@click.option(
    "--acts",
    is_flag=True,
    help="Grant only what the command line needs. This role cannot sign anyone in; people sign in"
    " through a server.",
)
@click.option(
    "--eraser", type=params.text("role", limit=63), metavar="ROLE2",
    help="Role that can also erase texts.",
)  # fmt: skip
@options.query
def grants(run: Run, role: str, acts: bool, eraser: str | None) -> None:
    """Print SQL that allows ROLE to run the desk on PostgreSQL, but not to rewrite the record.

    Run it as the owner of the tables, again after each upgrade: incidents db grants ROLE | psql …
    """
    from incidents.store.database import access

    statements = list(access.sql(role, eraser, command_line_only=acts))
    if run.for_programs:
        output.write_document(run, {"sql": statements}, rows=[{"sql": each} for each in statements])
    else:
        run.write(*statements)


@db.command(short_help="Seal tokens and passwords with a new key.")
@params.reason_option
@options.query
def rekey(run: Run, reason: str) -> None:
    """Seal tokens and passwords with the servers' key, replacing the earlier key.

    The key file is INCIDENTS_SERVE_KEY, as in the servers' unit, else [serve] key_file.

    If the key is lost or others know it, move its file away first: the command then makes a new
    key. On PostgreSQL, run it as the owner of the tables. It seals everything in the database, so
    first check the database with incidents audit replay. All sessions end. Copy the file to each
    server, then restart the servers.
    """
    run.refuse_server(_KEY_HERE)
    from incidents.accounts import serve_key
    from incidents.desk import own_stream, tokens

    by = own_stream.Actor(person=run.settings.person, login=run.settings.login)
    file = serve_key.key_file(run.settings)
    done = tokens.renew_seals(run.local.desk, file, by, clock.now, reason=reason)
    if run.for_programs:
        found = {
            "key_file": str(done.file), "made": done.made,
            "tokens": done.tokens, "passwords": done.passwords,
        }  # fmt: skip
        output.write_document(run, found, rows=[found])
    elif not run.quiet:
        run.write(sealed(run, done))


def sealed(run: Run, done: SealingResult) -> str:
    """Report how many tokens and passwords were sealed, for the operator of the servers."""
    from incidents.locale.words import count

    return run.text(
        "db.sealed.new" if done.made else "db.sealed", file=str(done.file),
        tokens=count(run.language, done.tokens, "token"),
        passwords=count(run.language, done.passwords, "password"),
    )  # fmt: skip


def _refuse_what_is_there(file: Path) -> None:
    try:
        there = file.exists()
    except OSError as error:
        detail = error.strerror or "no reason given"
        raise FileError(file=file, done="written", detail=detail) from error
    if there:
        raise InputError.coded("file_exists", "{file} already exists: name a new file", file=file)


def _copy(engine: Engine, file: Path) -> None:
    """Copy a SQLite database while it is in use; the copy gets its name only when complete."""
    unfinished = file.with_name(f".{file.name[:60]}.{os.getpid()}")
    source = engine.raw_connection()
    try:
        with disk.create_private(unfinished) as made:
            with closing(sqlite3.connect(unfinished)) as copy:
                disk.check_opened_by_name(made.fileno())
                source.driver_connection.backup(copy)  # type: ignore[union-attr]  # sqlite3's own
                # One file, that can be carried away: nothing is left in a log beside it.
                copy.execute("PRAGMA journal_mode=DELETE")
            os.fsync(made.fileno())
        unfinished.rename(file)
        disk.fsync_path(file.parent)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        gone = isinstance(error, FileNotFoundError)
        detail = "its folder is not there" if gone else getattr(error, "strerror", None)
        raise FileError(file=file, done="written", detail=detail or str(error)) from error
    finally:
        source.close()


def _replica(run: Run) -> dict[str, Any]:
    """Say whether the replica can be read, and return that for a program; {} without one."""
    replica = run.local.replica
    if replica is None:
        return {}
    from incidents.store.database import address

    state, where = replica.ask_state(), address.display_address(replica.engine)
    lag_s = None if state is None else round(state.lag.total_seconds(), 3)
    if replica.trouble is not None:
        run.inform(run.text("run.replica.unused", why=run.language.cause(replica.trouble)))
    else:
        run.inform(run.text("db.replica", place=where, seconds=lag_s))
    return {
        "replica": {
            "database": where, "in_use": replica.trouble is None, "lag_s": lag_s,
            "problem": replica.trouble,
        }
    }  # fmt: skip


def _report(run: Run, engine: Engine, sentence: str, *, is_ours: bool = True, **more: Any) -> None:
    from incidents.store.database import access, address, revision

    if is_ours and (warning := access.open_to_others(engine)):
        run.inform(run.language.cause(warning))
    found = {"database": address.display_address(engine), "schema": revision.head(), **more}
    if not output.answer_program(run, found):
        run.write(sentence)
