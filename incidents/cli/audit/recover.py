"""The recovery on the command line: record, log and world in agreement again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import confirmation, options, output, params
from incidents.cli.audit import verdicts
from incidents.cli.audit.keys import key_ring, on_record
from incidents.cli.enforcement_words import not_compared
from incidents.errors import DONE, NOT_VERIFIED, FileError
from incidents.locale.words import Document, counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from incidents.cli.run import Run
    from incidents.enforcement.comparison import Done
    from incidents.enforcement.reconciliation import Comparison
    from incidents.enforcement.way_back import Outcome

_HERE = "what was known of the database lies where daemons run, beside the log's key"

_OTHERS = {
    "cannot_be_asked": "cannot be asked", "waits": "wait for an order",
    "changed_meanwhile": "changed meanwhile", "cancelled": "cancelled by hand", "differs": "differ",
    "failed": "could not be compared",
}  # fmt: skip
"""How many sites of a verdict there are, where there are any."""


@click.command()
@params.reason_option
@click.option(
    "--sign-here", is_flag=True,
    help="The machine or folder where the log was signed is lost for good, or was put back with"
    " the database: it is signed here from now on, by a new key.",
)  # fmt: skip
@click.option(
    "--public", metavar="VKEY", help="The new key of the setting key_command, as others check it."
)
@click.option(
    "--confirm", metavar="N",
    help="Confirm how many sites are opened, or the one by its name. A terminal is asked.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True, help="Show which sites would be ordered again; do nothing."
)
@options.looking
def recover(
    run: Run,
    *,
    reason: str,
    sign_here: bool,
    public: str | None,
    confirm: str | None,
    dry_run: bool,
) -> int:
    """Go on after the database has lost its end: a backup or an older copy was put back, or a
    standby took over that had not received everything.

    Puts on record what is known to be missing. From then on orders have higher numbers than all
    before, so that no receiver takes them for old. Each site is compared with the world: what
    differs, or cannot be asked, is ordered again. That opens the sites that this record has as
    open, so put a hold on those that must stay down before: --dry-run names them. Where more was
    signed than is left, a new key signs from now on, and what the old one signed last is kept
    beside it: run it where the key is, INCIDENTS_AUDIT_KEY set as the daemon has it. Each run
    begins a new epoch. Where daemons notice, they do all but the signing and the opening by
    themselves. Exits 5 if a site differs in the end, or could not be compared.
    """
    run.insist_on_this_machine(_HERE)
    from incidents.enforcement import comparison, way_back

    house = run.local
    asked = way_back.Asked(
        by=run.settings.person, login=run.settings.login, reason=reason, sign_here=sign_here,
        public=public,
    )  # fmt: skip
    way = way_back.WayBack(house.engine, house.desk, house.reading, key_ring(run), clock.now)
    if dry_run:
        return _foretell(run, way.foreseen(asked))
    if confirmation.is_opening_asked(confirm):
        confirmation.confirm_openings(run, _opened(run, way.foreseen(asked)), confirm)
    gone = way.go_on(asked, on_record(run, reason))
    done = way.compared(asked)
    _tell(run, gone, done)
    if way.in_the_way is not None:
        run.tell(f"next: move {way.in_the_way} away: until then no daemon carries anything out")
    return NOT_VERIFIED if any(done.counts[each] for each in comparison.WRONG) else DONE


def _opened(run: Run, compared: Sequence[Comparison]) -> list[Comparison]:
    """The sites that are opened: ordered to be up once more, or by an order that waits, which may
    have been cancelled by what is lost. A daemon cancels that of a site which is left down."""
    from incidents.enforcement.reconciliation import UP, WAITS
    from incidents.views import left_down

    with run.local.reading() as connection:
        left = set(left_down.every(connection, run.local.now(connection)))
    waiting = [
        each for each in compared
        if each.verdict == WAITS and UP == each.ordered != each.really and each.site not in left
    ]  # fmt: skip
    return sorted([*confirmation.sites_to_open(compared), *waiting], key=lambda each: each.site)


def _foretell(run: Run, compared: Sequence[Comparison]) -> int:
    """What would be ordered, and of which sites nobody can say it; of the log it says nothing,
    since `audit status` does."""
    from incidents.enforcement import comparison

    done, opened = comparison.done(compared), _opened(run, compared)
    status = NOT_VERIFIED if done.failed else DONE
    if run.for_programs:
        document: Document = {
            "sites": dict(done.counts), "opened": [each.site for each in opened],
            "closed": confirmation.closed_sites(opened), "taken_down": done.taken_down,
            "uncompared": _uncompared(done),
        }  # fmt: skip
        output.document(run, document, rows=[document])
        return status
    run.say(*confirmation.words_of_openings(run, opened))
    if done.taken_down:
        run.say(f"This takes down again: {confirmation.named(run, done.taken_down)}")
    if done.failed:
        run.say(_not_compared(done))
    elif not opened and not done.taken_down:
        run.say("No site would be ordered again")
    run.tell("nothing was done: see incidents audit status for what is missing")
    return status


def _tell(run: Run, gone: Outcome, done: Done) -> None:
    resumed, lost = gone.resumed, gone.lost
    if run.for_programs:
        told: Document = {
            "epoch": resumed.epoch, "cause": resumed.cause, "entries": resumed.entries,
            "had": resumed.had, "signed": resumed.signed,
            "key": None if gone.key is None else str(gone.key),
            "kept": None if lost is None else str(lost.kept.file),
        }  # fmt: skip
        document = {
            **told, "sites": dict(done.counts), "opened": done.opened,
            "taken_down": done.taken_down, "uncompared": _uncompared(done),
        }  # fmt: skip
        output.document(run, document, rows=[told])
        return
    run.say(f"the record goes on from entry {resumed.entries:,}, in epoch {resumed.epoch}")
    if resumed.had is not None:
        run.say(
            f"entry {resumed.had:,} is known to have been there: what came after is lost with it"
        )
    if resumed.signed is not None:
        run.say(
            f"{resumed.signed:,} entries were signed, and the log does not begin with them: some"
            " are missing, or stand in another order. Tell your auditors"
        )
    if lost is not None:
        run.say(f"what the previous key signed last stays in {lost.kept.file}")
    if gone.is_blind:
        run.say("nobody here knows what the previous key signed last: tell your auditors")
    if gone.key is not None:
        run.say(f"from now on {gone.key} signs")
    _tell_of_sites(run, done)
    kept = verdicts.kept_place(run)
    if _is_of_another(run, kept):
        run.tell(f"next: move {kept} away, then verify everything once: incidents audit verify")


def _tell_of_sites(run: Run, done: Done) -> None:
    """Which were ordered again: a person has to know what is open that was not before."""
    from incidents.enforcement.comparison import MOST_NAMED

    again = done.counts["ordered_again"]
    told = [f"{done.counts['agrees']:,} agree", f"{again:,} ordered again"]
    told += [f"{n:,} {words}" for kind, words in _OTHERS.items() if (n := done.counts[kind])]
    run.say(f"{counted(done.counts.total(), 'site')}: {', '.join(told)}")
    for what, names in (("opened again", done.opened), ("taken down again", done.taken_down)):
        more = len(names) - MOST_NAMED
        if names:
            rest = f" and {more:,} more (--json names all)" if more > 0 else ""
            run.say(f"{what}: {', '.join(names[:MOST_NAMED])}{rest}")
    if done.failed:
        run.say(_not_compared(done))
    if done.unasked:
        run.say(
            f"the adapter cannot tell how {done.unasked:,} of these were before: some may have been"
            " as they are to be"
        )
    if done.opened or done.taken_down:
        run.tell("no letter tells the customers of these: tell them")
    if again:
        with run.local.looking() as looks:
            is_daemon_at_work = looks.enforcement()["beating"]
        if not is_daemon_at_work:
            run.tell("in force when a daemon has run: incidents acts list")


def _not_compared(done: Done) -> str:
    """Which sites could not be compared, and why."""
    count = len(done.failed)
    found = {"count": count, "sites": _uncompared(done)[: confirmation.MOST_NAMED]}
    return f"{counted(count, 'site')} could not be compared: {not_compared(found)}"


def _uncompared(done: Done) -> list[dict[str, str]]:
    return [{"site": site, "problem": problem} for site, problem in done.failed]


def _is_of_another(run: Run, kept: Path) -> bool:
    """Whether that is the checkpoint of `audit verify --since auto`, and of a history that is no
    more."""
    from incidents.audit.log import signed_files, signing

    try:
        data = verdicts.read_kept(kept)
    except FileError:
        return True
    if data is None:
        return False
    with run.local.reading() as connection:
        log = signing.log(connection)
        if log is None:
            return False
        try:
            signed = signed_files.Kept(kept, data.decode(errors="replace"))
            signing.compare_with_kept(connection, log.checkpoint, signed)
        except signing.DifferentError:
            return True
    return False
