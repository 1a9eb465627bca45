"""The log on the command line: how far it is numbered, signed and witnessed; signing it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import options, output
from incidents.cli.audit.keys import key_ring
from incidents.cli.run import Run, painted
from incidents.errors import DONE, FAILED, NOT_VERIFIED, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents.audit.log.status import Checkpointed
    from incidents.client.house import RemoteHouse
    from incidents.contract.documents.record import LogStatus, Resumed
    from incidents.locale.words import When

_NESTED = ("witnesses", "silent", "resumed", "lost", "lost_before")
_WORTH = "only published entries are tamper-evident, for whoever keeps a checkpoint outside"


@click.command()
@options.looking
def status(run: Run) -> int:
    """Say how many entries are pending, numbered and published, and who vouches for them.

    Exits 1 if an entry has been pending for more than a minute though the log has a key, and 5 if
    nothing is signed because entries that were signed are missing.
    """
    found = _status(run) if run.remote is None else run.remote.record.status()
    row = {name: value for name, value in found.items() if name not in _NESTED}
    if not output.answered(run, found, str(found["published"]), rows=[row]):
        _tell(run, found)
    # A server of before does not say it.
    if found.get("ahead"):
        return NOT_VERIFIED
    return FAILED if found["late"] else DONE


@click.command()
@click.option(
    "-o", "--output", "target", metavar="FILE",
    help="Write it to FILE, to the byte as it was signed, in place of standard output.",
)  # fmt: skip
@options.looking
def checkpoint(run: Run, target: str | None) -> int:
    """Number and sign what there is, and print the checkpoint: for an auditor to keep outside.

    Exits 1 if something is left that it could not sign; the last checkpoint is printed then. Exits
    5, and prints none, if entries that were signed are missing.
    """
    done = _signed(run) if run.remote is None else _signed_there(run.remote)
    note = done.note
    if note is None:
        raise RefusedError(done.unable or "the log is empty, and nothing is signed of it")
    if target is not None:
        from incidents.audit.proof import verdict

        if run.remote is None:
            verdict.check_grown(run.local.engine, target, note)
        else:
            verdict.check_same(target, note)
        output.write_file(target, [note.encode()])
    elif run.for_programs:
        output.document(run, {"checkpoint": note}, rows=[{"checkpoint": note}])
    else:
        run.say(note.removesuffix("\n"))
    if done.unable is not None:
        run.tell(f"this is the last one; nothing was signed now, since {done.unable}")
        return FAILED if done.pending else DONE
    return DONE


def _status(run: Run) -> LogStatus:
    from incidents.audit.log import signed_files
    from incidents.audit.log import status as log_status
    from incidents.views.record_health import log_health

    settings = log_status.load_settings(run.settings)
    files = signed_files.known(settings.key)
    with run.local.reading() as connection:
        so_far = log_status.document(connection, run.local.now(connection))
        silent = log_status.silent(so_far, settings.witnesses)
        return log_health(connection, files, so_far, silent)


def _signed(run: Run) -> Checkpointed:
    from incidents.audit.log.status import checkpointed

    return checkpointed(run.local.engine, key_ring(run), clock.now)


def _signed_there(server: RemoteHouse) -> Checkpointed:
    from incidents.audit.log.status import Checkpointed

    told = server.record.checkpoint()
    pending = told["pending"]
    unable = f"the server leaves {pending:,} entries unsigned" if pending else None
    return Checkpointed(note=told["checkpoint"], pending=pending, unable=unable)


def _tell(run: Run, found: LogStatus) -> None:
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
            ("signing", _signing(found, when)),
            *_of_history(found, when),
        ],
    )
    if found.get("ahead"):
        run.tell(
            painted(f"NOTHING IS SIGNED: {found['ahead']}", fg="red"),
            "put the database back that has them, or, if they are lost: incidents recover"
            " --reason R",
        )
    if found.get("uncompared"):
        run.tell(f"not compared with what was signed last: {found['uncompared']}")
    run.tell(_WORTH)


def _of_history(found: LogStatus, when: When) -> Iterator[tuple[str, str]]:
    """What was missing last, and from what the record went on last, if it was another time."""
    # A server of before does not say it.
    resumed, lost = found.get("resumed"), found.get("lost")
    for each in found.get("lost_before") or ():
        yield "lost before", _of_loss(each, when)
    if lost is not None:
        yield "lost", _of_loss(lost, when)
    if resumed is not None and (lost is None or resumed["epoch"] != lost["epoch"]):
        told = f"epoch {resumed['epoch']}, from entry {output.number(resumed['entries'])},"
        yield "goes on", f"{told} since {when(resumed['at'])} ({_cause(resumed)})"


def _of_loss(lost: Resumed, when: When) -> str:
    entries, had, signed = lost["entries"], lost["had"], lost["signed"]
    known = [f"the record goes on from entry {output.number(entries)}"]
    if had is not None:
        was = "was known to have been there" if had > entries else "is not the one that was there"
        known.append(f"entry {output.number(had)} {was}")
    if signed is not None:
        known.append(f"{output.number(signed)} entries were signed")
    first, *others = known
    missing = lost["missing"]
    said = "; ".join([first, ", and ".join(others)]) if others else first
    least = "some are missing, or stand in another order"
    if missing:
        least = f"at least {output.number(missing)} {'is' if missing == 1 else 'are'} missing"
    return f"{said}: {least} (epoch {lost['epoch']}, since {when(lost['at'])}, {_cause(lost)})"


def _cause(resumed: Resumed) -> str:
    return str(resumed["cause"]).replace("_", " ")


def _signing(found: LogStatus, when: When) -> str:
    if found["key"] is None:
        return "nothing, without a key"
    if found.get("ahead"):
        return painted("REFUSED", fg="red")
    # A server of before does not say it.
    trouble, since = found.get("trouble"), found.get("trouble_since")
    if trouble is not None and since is not None:
        where = "the log of who signs says why"
        return painted(f"{trouble.upper()} {when.ago(since)}; {where}", fg="red")
    if found["signs"]:
        return "up to date"
    return "nobody signed lately: run `incidents daemon` where the key is"
