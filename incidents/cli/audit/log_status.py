"""The log commands: the state of its entries, and signing it now.

The state is how many entries are numbered, signed and witnessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import options, output
from incidents.cli.audit.keys import key_ring
from incidents.cli.lazy_group import verb
from incidents.cli.run import Run
from incidents.errors import DONE, FAILED, NOT_VERIFIED, Cause, RefusedError
from incidents.system.terminal import coloured

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents.audit.log.status import Checkpointing
    from incidents.client.app import RemoteApp
    from incidents.contract.documents.record import LogStatus, Resumed

_LOG_EMPTY = Cause.of("log_empty", "the log is empty: there is nothing to sign")
_NESTED = ("witnesses", "silent", "resumed", "lost", "lost_before")


@verb()
@options.query
def status(run: Run) -> int:
    """Show how many entries are pending, numbered and published, and who countersigned them.

    Exits 1 if the log has a key and an entry has been pending for over a minute. Exits 5 if signing
    stopped because signed entries are missing.
    """
    found = _status(run) if run.remote is None else run.remote.record.status()
    row = {name: value for name, value in found.items() if name not in _NESTED}
    if not output.answer_program(run, found, str(found["published"]), rows=[row]):
        _write_status(run, found)
    # An older server does not say it.
    if found.get("ahead"):
        return NOT_VERIFIED
    return FAILED if found["late"] else DONE


@verb()
@click.option(
    "-o", "--output", "target", metavar="FILE",
    help="Write the exact signed bytes to FILE instead of standard output.",
)  # fmt: skip
@options.query
def checkpoint(run: Run, target: str | None) -> int:
    """Number and sign all entries, and print the checkpoint for an auditor to keep elsewhere.

    Exits 1 and prints the last checkpoint if it could not sign all entries. Exits 5 and prints none
    if signed entries are missing.
    """
    done = _signed(run) if run.remote is None else _signed_there(run.remote)
    note = done.note
    if note is None:
        raise RefusedError(done.unable or _LOG_EMPTY)
    if target is not None:
        from incidents.audit.proof import verdict

        if run.remote is None:
            verdict.check_grown(run.local.engine, target, note)
        else:
            verdict.check_same(target, note)
        output.write_file(target, [note.encode()])
    elif run.for_programs:
        output.write_document(run, {"checkpoint": note}, rows=[{"checkpoint": note}])
    else:
        run.write(note.removesuffix("\n"))
    if done.unable is not None:
        run.inform(run.text("log_checkpoint.unable", why=done.unable))
        return FAILED if done.pending else DONE
    return DONE


def _status(run: Run) -> LogStatus:
    from incidents.audit.log import signed_files
    from incidents.audit.log import status as log_status
    from incidents.views.record_health import log_health

    settings = log_status.load_settings(run.settings)
    files = signed_files.read_folder(settings.key)
    with run.local.reading() as connection:
        so_far = log_status.progress(connection, run.local.now(connection))
        silent = log_status.silent_witnesses(so_far, settings.witnesses)
        return log_health(connection, files, so_far, silent)


def _signed(run: Run) -> Checkpointing:
    from incidents.audit.log.status import checkpoint_now

    return checkpoint_now(run.local.engine, key_ring(run), clock.now)


def _signed_there(server: RemoteApp) -> Checkpointing:
    from incidents.audit.log.status import Checkpointing

    told = server.record.checkpoint()
    pending = told["pending"]
    left = Cause.of("log_left", "the server leaves {n:,} entries unsigned", n=pending)
    unable = left if pending else None
    return Checkpointing(note=told["checkpoint"], pending=pending, unable=unable)


def _write_status(run: Run, found: LogStatus) -> None:
    pending = output.number(found["pending"])
    if found["pending_since"] is not None:
        ago = run.when.ago(found["pending_since"])
        pending = run.text("log_status.pending", n=pending, ago=ago)
    published = output.number(found["published"])
    if found["signed_at"] is not None:
        ago = run.when.ago(found["signed_at"])
        published = run.text("log_status.published", n=published, ago=ago)
    witnesses = run.text("log_status.between").join(_witnesses(run, found))
    output.write_pairs(
        run,
        [
            ("pending", coloured(pending, fg="red") if found["late"] else pending),
            ("numbered", output.number(found["numbered"])),
            ("published", published),
            ("witnessed", witnesses or run.text("log_status.by_nobody")),
            ("key", found["key"] or run.text("log_status.no_key")),
            ("signing", _signing(run, found)),
            *_of_history(run, found),
        ],
    )
    if found.get("ahead"):
        run.inform(
            coloured(run.text("log_status.ahead", what=found["ahead"]), fg="red"),
            run.text("log_status.ahead.next"),
        )
    if found.get("uncompared"):
        run.inform(run.text("log_status.uncompared", why=found["uncompared"]))
    run.inform(run.text("log_status.worth"))


def _witnesses(run: Run, found: LogStatus) -> Iterator[str]:
    for each in found["witnesses"]:
        yield run.text(
            "log_status.witness", witness=each["witness"], n=output.number(each["size"]),
            ago=run.when.ago(each["at"]),
        )  # fmt: skip
    for name in found["silent"]:
        yield run.text("log_status.silent", witness=name)


def _of_history(run: Run, found: LogStatus) -> Iterator[tuple[str, str]]:
    """Describe each loss, and the last resumption if it was not because of the last loss."""
    # An older server does not say it.
    resumed, lost = found.get("resumed"), found.get("lost")
    for each in found.get("lost_before") or ():
        yield "lost before", _of_loss(run, each)
    if lost is not None:
        yield "lost", _of_loss(run, lost)
    if resumed is not None and (lost is None or resumed["epoch"] != lost["epoch"]):
        yield "goes on", run.text(
            "log_status.goes_on", epoch=resumed["epoch"], n=output.number(resumed["entries"]),
            at=resumed["at"], cause=_cause(run, resumed),
        )  # fmt: skip


def _of_loss(run: Run, lost: Resumed) -> str:
    entries, had, signed, missing = lost["entries"], lost["had"], lost["signed"], lost["missing"]
    before = "" if had is None else ".had" if had > entries else ".other"
    known = f"log_status.loss{before}{'' if signed is None else '.signed'}"
    least = "log_status.missing.some"
    if missing:
        least = "log_status.missing.one" if missing == 1 else "log_status.missing.many"
    return run.text(
        "log_status.lost",
        known=run.text(
            known, n=output.number(entries), had=None if had is None else output.number(had),
            signed=None if signed is None else output.number(signed),
        ),
        missing=run.text(least, n=output.number(missing or 0)),
        epoch=lost["epoch"], at=lost["at"], cause=_cause(run, lost),
    )  # fmt: skip


def _cause(run: Run, resumed: Resumed) -> str:
    return run.language.word("resumed_because", resumed["cause"]).replace("_", " ")


def _signing(run: Run, found: LogStatus) -> str:
    if found["key"] is None:
        return run.text("log_status.signing.no_key")
    if found.get("ahead"):
        return coloured(run.text("log_status.signing.ahead"), fg="red")
    # An older server does not say it.
    trouble, since = found.get("trouble"), found.get("trouble_since")
    if trouble is not None and since is not None:
        ago = run.when.ago(since)
        sentence = run.text("log_status.signing.trouble", trouble=trouble, ago=ago)
        return coloured(sentence, fg="red")
    return run.text("log_status.signing.signs" if found["signs"] else "log_status.signing.nobody")
