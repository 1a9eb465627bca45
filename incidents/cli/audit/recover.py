"""The recovery command, which makes the record, the log and the live system agree again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents import clock
from incidents.cli import confirmation, options, output, params
from incidents.cli.admin.enforcement_words import not_compared
from incidents.cli.audit import verdicts
from incidents.cli.audit.audit import counted
from incidents.cli.audit.keys import key_ring, on_record
from incidents.cli.lazy_group import verb
from incidents.errors import DONE, NOT_VERIFIED, Cause, FileError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from incidents.cli.run import Run
    from incidents.contract.documents.enforcement import NotCompared
    from incidents.contract.documents.record import Recovered, Recovery, WentOn
    from incidents.enforcement.comparison import Summary
    from incidents.enforcement.history_recovery import Outcome
    from incidents.enforcement.verdict import Comparison

_HERE = Cause.of(
    "recover_here",
    "run it where daemons run: what they know of the database is beside the log's key",
)

_OTHERS = (
    "cannot_be_asked", "waits", "changed_meanwhile", "cancelled", "differs", "failed",
)  # fmt: skip
"""The further verdicts, for which only the number of sites is shown."""


@verb()
@params.reason_option
@click.option(
    "--sign-here", is_flag=True,
    help="Sign the log here from now on, with a new key. Use this if the machine or folder that"
    " signed the log is lost for good, or was restored with the database.",
)  # fmt: skip
@click.option(
    "--public", metavar="VKEY", help="New public key of the signing command (setting key_command)."
)
@click.option(
    "--confirm", metavar="N",
    help="Confirm which sites to open: their number or, for one site, its name. Prompted for in a"
    " terminal.",
)  # fmt: skip
@click.option(
    "--dry-run", is_flag=True, help="Show the sites whose orders would be repeated; change nothing."
)
@options.query
def recover(
    run: Run,
    *,
    reason: str,
    sign_here: bool,
    public: str | None,
    confirm: str | None,
    dry_run: bool,
) -> int:
    """Resume after the database lost its latest entries: somebody restored a backup or an older
    copy, or a standby took over that had not received everything.

    It records the known loss. New orders get higher numbers than all earlier ones, so that no
    receiver mistakes them for old ones. It compares the actual state of each site with the record,
    and repeats the order if it differs or cannot be checked. This opens the sites that this record
    shows as open: first put a hold on those that must stay down; --dry-run lists them. If more
    entries were signed than are left, a new key signs from now on, and the last checkpoint of the
    old key is kept beside it: run this where the key is, with the daemon's INCIDENTS_AUDIT_KEY.
    Each run starts a new epoch. Daemons that detect a loss do all this themselves, except signing
    and opening. Exits 5 if a site still differs at the end, or could not be compared.
    """
    run.refuse_server(_HERE)
    from incidents.enforcement import comparison, history_recovery

    app = run.local
    asked = history_recovery.RecoveryRequest(
        by=run.settings.person, login=run.settings.login, reason=reason, sign_here=sign_here,
        public=public,
    )  # fmt: skip
    way = history_recovery.HistoryRecovery(
        app.engine, app.desk, app.reading, key_ring(run), clock.now
    )
    if dry_run:
        return _write_preview(run, way.preview(asked), way.signed_anew(asked))
    if confirmation.is_opening_asked(confirm):
        confirmation.confirm_openings(run, _opened(run, way.preview(asked)), confirm)
    gone = way.resume(asked, on_record(run, reason))
    done = way.compare_sites(asked)
    _write_result(run, gone, done)
    if way.obstacle is not None:
        run.inform(run.text("recover.in_the_way", file=way.obstacle))
    return NOT_VERIFIED if any(done.counts[each] for each in comparison.WRONG) else DONE


def _opened(run: Run, compared: Sequence[Comparison]) -> list[Comparison]:
    """List the sites that will be opened, by a repeated order or by an order that still waits.

    The lost entries may have cancelled the waiting order; for a left-down site, a daemon cancels
    such an order.
    """
    from incidents.enforcement.verdict import UP, WAITS
    from incidents.views import left_down

    with run.local.reading() as connection:
        left = set(left_down.all_left_down(connection, run.local.now(connection)))
    waiting = [
        each for each in compared
        if each.verdict == WAITS and UP == each.ordered != each.really and each.site not in left
    ]  # fmt: skip
    return sorted([*confirmation.sites_to_open(compared), *waiting], key=lambda each: each.site)


def _write_preview(
    run: Run, compared: Sequence[Comparison], signed_anew: tuple[bool, int | None]
) -> int:
    """Show the orders that would follow, the sites that could not be compared, and the new key."""
    from incidents.enforcement import comparison

    done, opened = comparison.summarize(compared), _opened(run, compared)
    status = NOT_VERIFIED if done.failed else DONE
    has_new_key, signed = signed_anew
    if run.for_programs:
        document: Recovery = {
            "new_key": has_new_key, "signed": signed, "sites": dict(done.counts),
            "opened": [each.site for each in opened],
            "closed": confirmation.closed_sites(opened), "taken_down": done.taken_down,
            "uncompared": _uncompared(done),
        }  # fmt: skip
        output.write_document(run, document, rows=[document])
        return status
    run.write(*confirmation.openings_text(run, opened))
    if done.taken_down:
        _name(run, "recover.takes_down", done.taken_down, confirmation.MOST_NAMED)
    if done.failed:
        run.write(_not_compared(run, done))
    elif not opened and not done.taken_down:
        run.write(run.text("recover.none_again"))
    _write_counts(run, done)
    run.write(run.text("recover.would.epoch"))
    if signed is not None:
        run.write(run.text("recover.signed", n=signed))
    if has_new_key:
        run.write(run.text("recover.would.key"))
    run.inform(run.text("recover.nothing_done"))
    return status


def _write_result(run: Run, gone: Outcome, done: Summary) -> None:
    resumed, lost = gone.resumed, gone.lost
    if run.for_programs:
        answer: WentOn = {
            "epoch": resumed.epoch, "cause": resumed.cause, "entries": resumed.entries,
            "had": resumed.had, "signed": resumed.signed,
            "key": None if gone.key is None else str(gone.key),
            "kept": None if lost is None else str(lost.kept.file),
        }  # fmt: skip
        found: Recovered = {
            **answer, "sites": dict(done.counts), "opened": done.opened,
            "taken_down": done.taken_down, "uncompared": _uncompared(done),
        }  # fmt: skip
        output.write_document(run, found, rows=[answer])
        return
    run.write(run.text("recover.goes_on", n=resumed.entries, epoch=resumed.epoch))
    if resumed.had is not None:
        run.write(run.text("recover.had", n=resumed.had))
    if resumed.signed is not None:
        run.write(run.text("recover.signed", n=resumed.signed))
    if lost is not None:
        run.write(run.text("recover.kept", file=lost.kept.file))
    if gone.is_loss_unknown:
        run.write(run.text("recover.blind"))
    if gone.key is not None:
        run.write(run.text("recover.signs", key=gone.key))
    _write_sites(run, done)
    kept = verdicts.kept_place(run)
    if _is_of_lost_history(run, kept):
        run.inform(run.text("recover.next.verify", file=kept))


def _write_counts(run: Run, done: Summary, *more: str) -> None:
    """The number of sites, by verdict."""
    lines = [run.text("recover.agrees", n=done.counts["agrees"]), *more]
    lines += [run.text(f"recover.{kind}", n=n) for kind in _OTHERS if (n := done.counts[kind])]
    sites = counted(run, "site", done.counts.total())
    run.write(run.text("recover.sites", sites=sites, told=run.text("recover.between").join(lines)))


def _write_sites(run: Run, done: Summary) -> None:
    """Report the results for the sites.

    Sites whose order was repeated are named, because people must know which sites open.
    """
    from incidents.enforcement.comparison import MOST_NAMED

    again = done.counts["ordered_again"]
    _write_counts(run, done, run.text("recover.again", n=again))
    for id_, names in (("recover.opened", done.opened), ("recover.taken_down", done.taken_down)):
        if names:
            _name(run, id_, names, MOST_NAMED)
    if done.failed:
        run.write(_not_compared(run, done))
    if done.unknown_before:
        run.write(run.text("recover.unasked", n=done.unknown_before))
    if done.opened or done.taken_down:
        run.inform(run.text("recover.no_letter"))
    if again:
        with run.local.queries() as queries:
            is_daemon_at_work = queries.enforcement()["beating"]
        if not is_daemon_at_work:
            run.inform(run.text("recover.no_daemon"))


def _name(run: Run, id_: str, sites: Sequence[str], most: int) -> None:
    """Write the phrase with the first of these sites, and the number of further sites."""
    more = len(sites) - most
    run.write(run.text(f"{id_}.more" if more > 0 else id_, sites=sites[:most], more=more))


def _not_compared(run: Run, done: Summary) -> str:
    """Name the first sites that could not be compared, with the reasons."""
    count = len(done.failed)
    found = {"count": count, "sites": _uncompared(done)[: confirmation.MOST_NAMED]}
    sites = counted(run, "site", count)
    return run.text("recover.not_compared", sites=sites, why=not_compared(found))


def _uncompared(done: Summary) -> list[NotCompared]:
    return [{"site": site, "problem": problem} for site, problem in done.failed]


def _is_of_lost_history(run: Run, kept: Path) -> bool:
    """Whether the checkpoint kept for `audit verify --since auto` is of a lost history."""
    from incidents.audit.log import consistency, signed_files, signing

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
            signed = signed_files.KeptNote(kept, data.decode(errors="replace"))
            consistency.check_against_note(connection, log.checkpoint, signed)
        except consistency.DifferentError:
            return True
    return False
