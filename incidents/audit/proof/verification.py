"""The verification of the log in a database, from its entries up to its signatures.

Hashes, tiles and roots are recalculated and compared, and actions are decided again: nothing stored
beside the entries is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Engine, select

from incidents.audit.facts import Flaw, at_leaf
from incidents.audit.jobs import Workers, workers_for
from incidents.audit.pool import Progress
from incidents.audit.proof import leaf_check, live_log, part_check, signed_check, site_check
from incidents.audit.proof.live_log import LiveLog, Pending
from incidents.audit.proof.signed_check import Held, Roots, Signatures
from incidents.audit.proof.site_check import LogResult, Rules
from incidents.audit.proof.succession import Succession
from incidents.audit.proof.verdict import (
    Archived,
    Verdict,
    VerifyOptions,
    held_flaws,
    key_flaws,
    since_of,
    usable_since,
    witness_flaws,
)
from incidents.audit.rows import Ids, Span, site_spans
from incidents.errors import Cause
from incidents.store.archive import parts
from incidents.store.archive.part import Part
from incidents.store.database.engine import plainly, reading
from incidents.store.log import thinning
from incidents.store.schema.log_tables import log_head

LAG = timedelta(minutes=1)
"""How long an entry can wait for its number before it is overdue; a sequencer runs each second."""

_ENTRIES_AT_ONCE = 10_000
_CHECKPOINTS_AT_ONCE = 5_000


def database(
    engine: Engine,
    options: VerifyOptions,
    *,
    processes: int | None = None,
    done: Progress = lambda _: None,
) -> Verdict:
    """Verify the log in a database; `done` is called with numbers of entries, as progress.

    Raises:
        DatabaseError: if the database fails.
        WorkerLostError: if a process ends too early.
    """
    with plainly(engine):
        with reading(engine) as connection:
            size = connection.scalar(select(log_head.c.size)) or 0
            # Here, because the error of a worker has less to say.
            parts.check_all(connection)
        with workers_for(live_log.opened, engine, size, processes=processes, done=done) as workers:
            return by(workers, options)


@dataclass(frozen=True, slots=True)
class _Outline:
    """The outline of a log: size, checkpoint bounds, shares of sites, keys, and head flaws.

    `signed`: the numbers of checkpoints that were signed and that are there, if known.
    """

    size: int
    checkpoints: list[int]
    sites: list[Span]
    parts: tuple[Part, ...]
    keys: list[tuple[str, int]]
    signed: tuple[int, int] | None
    flaws: list[Flaw]


def by(workers: Workers, options: VerifyOptions) -> Verdict:
    """Verify the log of a database with these workers."""
    outline: _Outline = workers.one(_outline)
    seen, pending, archived = _entries(workers, outline, options)
    trusted = seen.trusted(outline.size)
    succession = seen.succession
    seen.flaws += _table_flaws(succession, outline.keys)
    seen.flaws += signed_check.deleted_flaws(outline.signed, succession.thinned)
    held, agreeing = workers.one(_held, options, succession, trusted)
    before = usable_since(options, agreeing)
    signed = _signatures(workers, succession, trusted, outline, before)
    sites: Sequence[Span | Ids] = outline.sites
    again = of = len((seen.streams.of.keys() | seen.last.keys()) - {0})
    # An activation first processes everything due on any site.
    if before is not None and not succession.periods.ended_since(before.checkpoint.size):
        some: list[Ids] = workers.one(site_check.later_sites, before.checkpoint.size)
        sites, again = some, sum(len(each.ids) for each in some)
    if options.policy:
        rules = Rules(succession.periods.policies, succession.periods)
        calls = ((site_check.decided, (share, rules)) for share in sites)
        for decided in workers.each(calls):
            seen.flaws += decided.flaws
    last = signed.last
    covered = 0 if last is None else last.checkpoint.size
    up_to = [made.key for made in succession.made if made.leaf < covered]
    broken = signed.broken(up_to)
    return Verdict.of(
        kind="database", entries=seen.entries, sites=of, archive=archived,
        since=since_of(before, again),
        pending=pending.entries, pending_since=pending.since, checkpoints=signed.count, last=last,
        key=succession.active(covered), keys=up_to, trusted="outside" if options.keys else "inside",
        witnesses=signed.witnessed, agreeing=agreeing, decided=options.policy,
        policies=len(seen.policies), lost_its_end=tuple(succession.lost_ends), broken=broken,
        findings=[
            *seen.flaws, *signed.flaws, *held,
            *key_flaws(options, up_to, broken), *witness_flaws(options, signed.witnessed),
        ],
    )  # fmt: skip


def _outline(log: LiveLog, _progress: Progress) -> _Outline:
    return _Outline(
        log.size,
        log.checkpoint_bounds(_CHECKPOINTS_AT_ONCE),
        site_spans(log.connection, _ENTRIES_AT_ONCE),
        parts.listed(log.connection),
        log.keys(),
        thinning.signed_and_there(log.connection),
        [*part_check.gaps(log), *log.head_flaws()],
    )


def _entries(
    workers: Workers, outline: _Outline, options: VerifyOptions
) -> tuple[LogResult, Pending, Archived]:
    """Check all entries and all tiles, except the entries of parts that were verified before."""
    seen = LogResult(where=_where)
    before: list[Part] = []
    if outline.parts and options.since is not None:
        before = workers.one(part_check.verified_before, options.since.checkpoint)
    for taken in workers.each(part_check.not_read_again(before)):
        seen.join(taken)
        seen.last |= taken.last
    begin = before[-1].end if before else 0
    for part in workers.each(leaf_check.ranges(outline.size, begin=begin)):
        seen.join(part)
    for flaws in workers.each(part_check.whole_files(outline.parts[len(before) :])):
        seen.flaws += flaws
    pending, part = workers.one(live_log.pending)
    seen.join(part)
    seen.end()
    seen.flaws += outline.flaws
    if pending.lost:
        lost = "{n} entries without a number are where nobody looks for such any more"
        what = Cause.of("flaw_lost_pending", lost, n=pending.lost)
        seen.flaws.append(Flaw(part="entries", where="log_head", what=what))
    seen.flaws += workers.one(leaf_check.upper_flaws, seen.roots)
    seen.flaws += workers.one(_head_flaws, seen.trusted(outline.size))
    return seen, pending, Archived(len(outline.parts), len(outline.parts) - len(before))


def _where(leaf: int | None) -> str:
    return Cause.of("at_pending", "a pending entry") if leaf is None else at_leaf(leaf)


def _head_flaws(log: LiveLog, _progress: Progress, trusted: int) -> list[Flaw]:
    """Compare the tree in the log's head with the tiles."""
    if trusted < log.size or log.head.frontier == signed_check.frontier(log):
        return []
    other = "the hashes that the tree would go on from are not those of the tree"
    what = Cause.of("flaw_frontier", other)
    return [Flaw(part="tree", where="log_head", what=what)]


def _table_flaws(succession: Succession, kept: Sequence[tuple[str, int]]) -> Iterator[Flaw]:
    """Find where the table of keys differs from the entries that name the keys."""
    named = {str(made.key): made.seq for made in succession.made}
    for key in sorted(named.items() ^ dict(kept).items()):
        listed = key in kept
        what = Cause.of("flaw_key_gone", "an entry names it, and it is gone")
        if listed:
            what = Cause.of("flaw_no_such_key", "no entry says that it is a key")
        if key[0] in named and key[0] in dict(kept):
            what = Cause.of(
                "flaw_key_entry", "its entry is {entry}, but its row says {row}",
                entry=named[key[0]], row=dict(kept)[key[0]],
            )  # fmt: skip
        yield Flaw(part="checkpoints", where=f"log_keys {key[0]}", what=what)


def _signatures(
    workers: Workers,
    succession: Succession,
    trusted: int,
    outline: _Outline,
    before: Held | None,
) -> Signatures:
    spans: Iterable[tuple[int, int]] = pairwise(outline.checkpoints)
    if before is not None:
        spans = workers.one(
            site_check.later_signed, succession, before.checkpoint.size, outline.checkpoints
        )
    calls = ((signed_check.check_signatures, (succession, trusted, *span)) for span in spans)
    return Signatures.joined(workers.each(calls))


def _held(
    log: LiveLog, _progress: Progress, options: VerifyOptions, succession: Succession, trusted: int
) -> tuple[list[Flaw], list[str]]:
    return held_flaws(options, succession.keys, Roots(log, trusted))


def is_overdue(verdict: Verdict, now: datetime) -> bool:
    """Whether an entry has waited too long for its number at `now` (UTC)."""
    since = verdict.pending_since
    return since is not None and now - datetime.fromisoformat(since) > LAG
