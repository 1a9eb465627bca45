"""The recovery on the command line: record, log and world in agreement again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import output, params
from incidents.cli.options import looking
from incidents.errors import DONE, NOT_VERIFIED

if TYPE_CHECKING:
    from collections import Counter

    from incidents.audit.signing_key import KeyRing
    from incidents.cli.run import Run
    from incidents.words import Document

_HERE = "what was known of the database lies where daemons run, beside the log's key"


@click.command()
@params.reason_option
@click.option(
    "--sign-here", is_flag=True,
    help="The file of what was signed last is lost with its machine: sign beside the one here.",
)  # fmt: skip
@looking
def recover(run: Run, reason: str, sign_here: bool) -> int:
    """Go on after the database has lost its end: a backup or an older copy was put back, or a
    standby took over that had not heard of all.

    Puts on record what is known to be missing. From then on orders have higher numbers than all
    before, so that no receiver takes them for old. Each site is compared with the world: what
    differs, or cannot be asked, is ordered again. Where more was signed than is left, a new key
    signs from now on, and what the old one signed last is kept beside it. Daemons do all but that
    by themselves where they notice. Exits 5 if a site differs in the end.
    """
    run.insist_on_this_machine(_HERE)
    from incidents import clock
    from incidents.acts import continuity, recovery
    from incidents.acts.continuity import Continuity
    from incidents.audit import last_signed, log_settings, sequencer
    from incidents.audit.signing_key import KeyRing
    from incidents.desk.resumption import ASKED, Resumption
    from incidents.store import log_keys
    from incidents.tlog.keys import VerifierKey

    house = run.house
    found = log_settings.load(run.settings)
    ring = KeyRing(found.key, found.key_command)
    sequencer.number_all(house.engine)
    with house.reading() as connection:
        ahead = last_signed.ahead(connection, ring.file)
        active = log_keys.active(connection)
    # Cut off half way, it may have no file to compare with, and no new key yet.
    is_dead = active is not None and last_signed.has_signed_lost(
        VerifierKey.parse(active), ring.file
    )
    asked = Resumption(
        cause=ASKED, by=run.settings.person, login=run.settings.login,
        signed=None if ahead is None else ahead.size, reason=reason,
    )  # fmt: skip
    if sign_here:
        last_signed.sign_here(house.engine, ring.file)
    kept = Continuity(house.engine, house.desk, continuity.beside(ring.file), clock.now)
    if sign_here and ahead is None and not is_dead and not kept.has_lost():
        run.say(
            f"what was signed last is beside {ring.file} from now on; nothing is known to be lost"
        )
        return DONE
    resumed = kept.resume(asked)
    told: Document = {
        "epoch": resumed.epoch, "cause": resumed.cause, "entries": resumed.entries,
        "had": resumed.had, "signed": resumed.signed, "key": None, "kept": None,
    }  # fmt: skip
    if ahead is not None:
        told["kept"] = str(last_signed.set_aside(ring.file, clock.now()))
    if ahead is not None or is_dead:
        told["key"] = _sign_anew(run, ring, reason)
    counts = recovery.counted(
        recovery.compared(
            house.engine,
            house.desk,
            house.reading,
            by=run.settings.person,
            login=run.settings.login,
        )
    )
    _tell(run, told, counts)
    return NOT_VERIFIED if counts["differs"] + counts["changed_meanwhile"] else DONE


def _sign_anew(run: Run, ring: KeyRing, reason: str) -> str:
    """Lets a new key sign what is left, which it answers: one key never signs two histories."""
    from incidents.audit import rotation
    from incidents.cli.log_key import on_record

    made, _ = rotation.rotate(run.house.engine, ring, on_record(run, reason), lost=True)
    return str(made)


def _tell(run: Run, told: Document, counts: Counter[str]) -> None:
    if run.for_programs:
        document = {**told, "sites": dict(counts)}
        output.document(run, document, rows=[told])
        return
    had, signed = told["had"], told["signed"]
    run.say(f"the record goes on from entry {told['entries']:,}, in epoch {told['epoch']}")
    if had is not None:
        run.say(f"entry {had:,} is known to have been there: what came after is lost with it")
    if signed is not None:
        run.say(f"{signed:,} entries were signed, of which not all are left: tell your auditors")
    if told["key"] is not None:
        kept = "" if told["kept"] is None else f"; what the key before signed is in {told['kept']}"
        run.say(f"from now on {told['key']} signs{kept}")
    total = sum(counts.values())
    again = counts["ordered_again"]
    run.say(f"{total:,} sites compared with the world, {again:,} ordered again")
    if again:
        run.tell("in force when a daemon has run: incidents acts list")
