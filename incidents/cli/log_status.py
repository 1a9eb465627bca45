"""The log on the command line: how far it is numbered, signed and witnessed; sign it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import output
from incidents.cli.options import looking
from incidents.cli.run import painted
from incidents.errors import DONE, FAILED, RefusedError

if TYPE_CHECKING:
    from incidents.audit.checkpointing import Checkpointed
    from incidents.cli.run import Run
    from incidents.client.house import RemoteHouse
    from incidents.words import Document, When

_NESTED = ("witnesses", "silent", "resumed")
_WORTH = "only published entries are tamper-evident, for whoever keeps a checkpoint outside"


@click.command()
@looking
def status(run: Run) -> int:
    """Say how many entries are pending, numbered and published, and who vouches for them.

    Exits 1 if an entry has been pending for more than a minute though the log has a key.
    """
    found = _status(run) if run.remote is None else run.remote.record.status()
    if run.quiet:
        run.say(str(found["published"]))
    elif run.for_programs:
        output.document(run, found, rows=[_row(found)])
    else:
        _tell(run, found)
    return FAILED if found["late"] else DONE


@click.command()
@click.option(
    "-o", "--output", "target", metavar="FILE",
    help="Write it to FILE, to the byte as it was signed, in place of standard output.",
)  # fmt: skip
@looking
def checkpoint(run: Run, target: str | None) -> int:
    """Number and sign what there is, and print the checkpoint: for an auditor to keep outside.

    Exits 1 if something is left that it could not sign; the last checkpoint is printed then.
    """
    done = _signed(run) if run.remote is None else _signed_there(run.remote)
    note = done.note
    if note is None:
        raise RefusedError(done.unable or "the log is empty, and nothing is signed of it")
    if target is not None:
        from incidents.audit import held
        from incidents.cli import whole_file

        if run.remote is None:
            held.check_grown(run.house.engine, target, note)
        else:
            held.check_same(target, note)
        whole_file.write(target, [note.encode()])
    elif run.for_programs:
        output.document(run, {"checkpoint": note}, rows=[{"checkpoint": note}])
    else:
        run.say(note.removesuffix("\n"))
    if done.unable is not None:
        run.tell(f"this is the last one; nothing was signed now, since {done.unable}")
        return FAILED if done.pending else DONE
    return DONE


def _status(run: Run) -> Document:
    from incidents.audit import log_settings, log_status
    from incidents.views import history

    settings = log_settings.load(run.settings)
    with run.house.reading() as connection:
        # First: what is signed once the database's state is read is not missing from it.
        whole = history.whole(connection, settings.key)
        found = log_status.document(connection, run.house.now(connection))
    return {**found, "silent": log_status.silent(found, settings.witnesses), **whole}


def _signed(run: Run) -> Checkpointed:
    from incidents import clock
    from incidents.audit import log_settings
    from incidents.audit.checkpointing import checkpointed
    from incidents.audit.signing_key import KeyRing

    settings = log_settings.load(run.settings)
    ring = KeyRing(settings.key, settings.key_command)
    return checkpointed(run.house.engine, ring, clock.now)


def _signed_there(server: RemoteHouse) -> Checkpointed:
    from incidents.audit.checkpointing import Checkpointed

    told = server.record.checkpoint()
    pending = told["pending"]
    unable = f"the server leaves {pending:,} entries unsigned" if pending else None
    return Checkpointed(note=told["checkpoint"], pending=pending, unable=unable)


def _row(found: Document) -> Document:
    return {name: value for name, value in found.items() if name not in _NESTED}


def _tell(run: Run, found: Document) -> None:
    when = run.when
    since = found["pending_since"]
    pending = output.number(found["pending"])
    if since is not None:
        pending += f", the oldest recorded {when.ago(since)}"
    signed_at = found["signed_at"]
    published = output.number(found["published"])
    if signed_at is not None:
        published += f", signed {when.ago(signed_at)}"
    witnesses = [
        f"{each['witness']} at {output.number(each['size'])}, {when.ago(each['at'])}"
        for each in found["witnesses"]
    ]
    witnesses += [f"{name} HAS SIGNED NOTHING" for name in found["silent"]]
    output.pairs(
        run,
        [
            ("pending", painted(pending, fg="red") if found["late"] else pending),
            ("numbered", output.number(found["numbered"])),
            ("published", published),
            ("witnessed", "; ".join(witnesses) or "by nobody"),
            ("key", found["key"] or "none yet: `incidents audit key new` makes it"),
            ("signing", _signing(found)),
            *_of_history(found.get("resumed"), when),
        ],
    )
    if found.get("ahead"):
        run.tell(
            painted(f"NOTHING IS SIGNED: {found['ahead']}", fg="red"),
            "put the database back that has them, or, if they are lost: incidents recover",
        )
    run.tell(_WORTH)


def _of_history(resumed: Document | None, when: When) -> list[tuple[str, str]]:
    """From what the record went on last, and what is known to be missing."""
    if resumed is None:
        return []
    had, signed = resumed["had"], resumed["signed"]
    told = f"epoch {resumed['epoch']}, from entry {output.number(resumed['entries'])},"
    told += f" since {when(resumed['at'])} ({resumed['cause'].replace('_', ' ')})"
    if had is not None:
        told += f"; entry {output.number(had)} had been there"
    if signed is not None:
        told += f"; {output.number(signed)} were signed"
    return [("goes on", told)]


def _signing(found: Document) -> str:
    if found["key"] is None:
        return "nothing, without a key"
    if found["signs"]:
        return "up to date"
    return "nobody signed lately: run `incidents daemon` where the key is"
