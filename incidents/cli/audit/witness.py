"""The witness on the command line: make its key, or countersign until stopped."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from incidents.cli import params
from incidents.cli.run import Run
from incidents.errors import DONE, FileError, InputError
from incidents.system import private_file

if TYPE_CHECKING:
    from incidents.tlog.keys import SigningKey, VerifierKey

DEFAULT_PORT = 7380


@click.command()
@click.option(
    "--key",
    "file",
    type=params.File(),
    required=True,
    metavar="FILE",
    help="The witness's private key; for its owner's eyes alone (0600).",
)
@click.option(
    "--log",
    "logs",
    multiple=True,
    metavar="VKEY",
    help="A key of a log to countersign, as `audit key show` prints it; once for each. Of one log"
    " the oldest first: once a newer key has signed, an older one is refused.",
)
@click.option(
    "--store",
    type=params.File(),
    metavar="FILE",
    help="What it has seen. Default: the key's file with .db at its end.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port; 0 takes one that is free.",
)
@click.option(
    "--new-key",
    "name",
    metavar="NAME",
    help="Make the key and its store, print the verifier key, and stop.",
)
@click.pass_obj
def witness(
    run: Run, *, file: Path, logs: tuple[str, ...], store: Path | None, host: str, port: int,
    name: str | None,
) -> int:  # fmt: skip
    """Countersign a log's checkpoints, on another machine and under another key.

    Only what is consistent with all it has seen is countersigned (C2SP tlog-witness). It needs no
    database of the desk. Without its store it would forget: back that up with the key.
    """
    if not file.name:
        raise InputError(f"{str(file)!r} is no name of a file: name the file of the key")
    store = file.with_name(f"{file.name}.db") if store is None else store
    if name is None:
        return _countersign(run, file, store, logs, (host, port))
    if logs:
        raise click.UsageError("--new-key and --log exclude each other")
    return _make(run, name, file, store)


def _make(run: Run, name: str, file: Path, store: Path) -> int:
    from incidents.tlog.keys import COSIGNATURE_V1, SigningKey
    from incidents.witness.ledger import Ledger

    if os.path.lexists(file):
        raise InputError(
            f"{file} is there already, and no key is ever overwritten: name a new file"
        )
    key = SigningKey.generate(name, COSIGNATURE_V1)
    # The store first: a key without one could never sign, a store without its key does no harm.
    Ledger(store).make_for(key.verifier)
    try:
        private_file.create(file, f"{key.private_text()}\n")
    except OSError as error:
        raise _file_error(file, "written", error) from error
    run.say(str(key.verifier))
    run.tell(f"{file} holds the private key, {store} what it will have seen: back up both")
    return DONE


def _countersign(
    run: Run, file: Path, store: Path, logs: tuple[str, ...], place: tuple[str, int]
) -> int:
    from incidents.witness import service
    from incidents.witness.ledger import Ledger

    if not logs:
        raise click.UsageError("name with --log the key of each log that is to be countersigned")
    host, port = place
    known = service.logs_of(map(_log_key, logs))
    for keys in known.values():
        for old, new in pairwise(keys):
            run.tell(f"once {new} has signed, {old} is refused")
    service.run(_read(file), known, Ledger(store), host=host, port=port, listening=run.say)
    return DONE


def _log_key(text: str) -> VerifierKey:
    from incidents.tlog.keys import KeyFormatError, VerifierKey

    try:
        return VerifierKey.parse(text)
    except KeyFormatError as error:
        raise InputError(error.message) from error


def _read(file: Path) -> SigningKey:
    """The private key, if nobody but its owner can read it."""
    from incidents.tlog.keys import SigningKey

    try:
        return SigningKey.parse(private_file.read(file).decode(errors="replace"))
    except OSError as error:
        raise _file_error(file, "read", error) from error


def _file_error(file: Path, done: str, error: OSError) -> FileError:
    return FileError(file=file, done=done, detail=error.strerror or str(error))
