"""The signing keys of the log and of a witness: make, replace and show them."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from incidents.cli import options, output, params
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.run import Run
from incidents.errors import Cause, FileError, InputError
from incidents.system import private_file
from incidents.tlog.keys import (
    COSIGNATURE_V1,
    KeyFormatError,
    SigningKey,
    VerifierKey,
    is_key_name,
)

if TYPE_CHECKING:
    from incidents.audit.log.signing_key import KeyRing
    from incidents.contract.documents.record import LogKey, NewLogKey


COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "new": ("incidents.cli.audit.keys:new", "Make the log's first key."),
        "rotate": (
            "incidents.cli.audit.keys:rotate",
            "Replace the signing key.",
        ),
        "show": ("incidents.cli.audit.keys:show", "Print the current and earlier keys."),
    }
}

_HERE = Cause.of(
    "key_made_here", "make a private key on the machine that signs with it, beside the database"
)


@click.group(cls=LazyGroup, sections=COMMANDS)
def key() -> None:
    """Manage the key that signs the checkpoints of the log."""


public_option = click.option(
    "--public", metavar="VKEY", help="Public key of the signing command (setting key_command)."
)


@verb()
@click.argument("name", required=False, metavar="[NAME]")
@public_option
@options.writing
def new(run: Run, name: str | None, public: str | None) -> None:
    """Make the log's first key in a new file, and put it on record.

    NAME is the log's permanent name, HOSTNAME/incidents by default. Keep a copy of the file.
    """
    run.refuse_server(_HERE)
    from incidents.audit.log import rotation

    if name is not None and public is not None:
        raise InputError.coded("key_has_name", "omit NAME: the key given with --public has a name")
    ring = key_ring(run)
    made = rotation.first(run.local.engine, ring, _name(name), on_record(run, None), public=public)
    _write_key(run, {"key": str(made), "file": None if ring.is_command else str(ring.file)})
    if not ring.is_command:
        run.inform(run.text("audit_key.made", file=ring.file))


@verb()
@params.reason_option
@public_option
@click.option("--lost", is_flag=True, help="The old key is lost: only the new one signs.")
@options.query
def rotate(run: Run, reason: str, public: str | None, lost: bool) -> None:
    """Replace the signing key, on record, or resume an interrupted rotation.

    Both keys sign the first checkpoint that covers the change.
    """
    run.refuse_server(_HERE)
    from incidents.audit.log import rotation

    made, retired = rotation.rotate(
        run.local.engine, key_ring(run), on_record(run, reason), public=public, lost=lost
    )
    _write_key(run, {"key": str(made), "retired": None if retired is None else str(retired)})
    if retired is not None:
        run.inform(
            run.text("audit_key.retired", file=retired),
            run.text("audit_key.retired.next"),
            f"  shred -u {retired}",
        )


@verb()
@options.query
def show(run: Run) -> None:
    """Print the log's public keys, the current one first."""
    rows = _keys(run) if run.remote is None else run.remote.record.keys()
    output.write_list(
        run, rows, ids=(row["key"] for row in rows),
        headers=("KEY", "SINCE", "BY"),
        rows=([row["key"], run.when(row["since"]), row["by"]] for row in rows),
        nothing=run.text("audit_key.none"),
    )  # fmt: skip


def _keys(run: Run) -> list[LogKey]:
    from incidents.audit.log import status

    with run.local.reading() as connection:
        return status.keys(connection)


def key_ring(run: Run) -> KeyRing:
    """The log's own keys, from the file or the command in the settings."""
    from incidents.audit.log import signing_key, status

    found = status.load_settings(run.settings)
    return signing_key.KeyRing(found.key, found.key_command)


def _name(given: str | None) -> str:
    if given is None:
        import socket

        return f"{socket.gethostname()}/incidents"
    if not is_key_name(given):
        raise InputError.coded(
            "no_log_name", "{given!r} cannot be the name of a log: use no space and no plus",
            given=given,
        )  # fmt: skip
    return given


class OnRecord(Protocol):
    """A function that puts a key on record: the first key, or a replacement for `previous`.

    `lost`: the previous key is lost, so it does not sign the change.
    """

    def __call__(self, key: str, previous: str | None, lost: bool = False, /) -> None: ...


def on_record(run: Run, reason: str | None) -> OnRecord:
    """Return a function that puts a key on record in the name of the person who acts."""
    from incidents.desk.activation import LogKey

    def put(key: str, previous: str | None, lost: bool = False, /) -> None:
        by, login = run.settings.person, run.settings.login
        run.local.desk.make_log_key(
            LogKey(key=key, previous=previous, by=by, login=login, lost=lost, reason=reason)
        )

    return put


def _write_key(run: Run, document: NewLogKey) -> None:
    if run.for_programs and not run.quiet:
        output.write_document(run, document, rows=[document])
    else:
        run.write(document["key"])


WITNESS_PORT = 7380


@verb()
@click.option(
    "--key",
    "file",
    type=params.File(),
    required=True,
    metavar="FILE",
    help="File of the witness's private key, mode 0600.",
)
@click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="VKEY",
    help="Key of a log to countersign, as `audit key show` prints it; repeat for more. Give"
    " several keys of one log oldest first: once a newer key signs, older ones are refused.",
)
@click.option(
    "--store",
    type=params.File(),
    metavar="FILE",
    help="File that stores the checkpoints seen. Default: the key's file name with .db at the end.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=params.IntRange(0, 65_535),
    default=WITNESS_PORT,
    show_default=True,
    help="Port; 0 picks a free one.",
)
@click.option(
    "--new-key",
    "name",
    metavar="NAME",
    help="Make the key and its store, print the public key, and stop.",
)
@click.pass_obj
def witness(
    run: Run, *, file: Path, logs: tuple[str, ...], store: Path | None, host: str, port: int,
    name: str | None,
) -> None:  # fmt: skip
    """Countersign a log's checkpoints, on another machine and with another key.

    It countersigns only checkpoints that are consistent with all those it has seen (C2SP
    tlog-witness). It needs no database of the desk. Its store remembers what it has seen: back up
    the store with the key.
    """
    if not file.name:
        raise InputError.coded(
            "no_key_file", "{given!r} is not a file name: name the file of the key", given=str(file)
        )
    store = file.with_name(f"{file.name}.db") if store is None else store
    if name is None:
        _countersign(run, file, store, logs, (host, port))
    elif logs:
        raise InputError.coded(
            "not_together", "{one} and {other} exclude each other", one="--new-key", other="--log"
        )
    else:
        _make_witness(run, name, file, store)


def _make_witness(run: Run, name: str, file: Path, store: Path) -> None:
    from incidents.witness.ledger import Ledger

    if os.path.lexists(file):
        raise InputError.coded(
            "key_file_exists", "{file} already exists, and a key is never overwritten: name a new"
            " file", file=file,
        )  # fmt: skip
    key = SigningKey.generate(name, COSIGNATURE_V1)
    # The store first: a key without one could never sign, a store without its key does no harm.
    Ledger(store).register_key(key.verifier)
    try:
        private_file.create(file, f"{key.private_text()}\n")
    except OSError as error:
        raise FileError.of(file, "written", error) from error
    run.write(str(key.verifier))
    run.inform(run.text("audit_witness.made", file=file, store=store))


def _countersign(
    run: Run, file: Path, store: Path, logs: tuple[str, ...], place: tuple[str, int]
) -> None:
    from incidents.witness import service
    from incidents.witness.ledger import Ledger

    if not logs:
        raise InputError.coded(
            "logs_to_countersign", "name the key of each log to countersign with --log"
        )
    host, port = place
    known = service.logs_of(map(_log_key, logs))
    for own in known.values():
        for old, new in pairwise(own):
            run.inform(run.text("audit_witness.newer", new=new, old=old))
    service.run(_read_key(file), known, Ledger(store), host=host, port=port, listening=run.write)


def _log_key(text: str) -> VerifierKey:
    try:
        return VerifierKey.parse(text)
    except KeyFormatError as error:
        raise InputError(error.message) from error


def _read_key(file: Path) -> SigningKey:
    """Read the private key; refuse the file if anybody but its owner can read it."""
    try:
        return SigningKey.parse(private_file.read(file).decode(errors="replace"))
    except OSError as error:
        raise FileError.of(file, "read", error) from error
