"""The verification of a bundle: the whole log, or a part of it with a proof for each entry.

Every byte is checked: no file may be missing or extra, and each file is recomputed or compared.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from incidents.audit.facts import Flaw, at_line
from incidents.audit.jobs import Call, Workers, workers_for
from incidents.audit.pool import Progress
from incidents.audit.proof import bundle_files, bundle_log, leaf_check, site_check
from incidents.audit.proof.bundle_files import (
    ENTRIES,
    REPORT,
    Manifest,
    NoBundleError,
    read_manifest,
)
from incidents.audit.proof.bundle_log import BundleLog, Places
from incidents.audit.proof.bundle_notes import Notes
from incidents.audit.proof.signed_check import Held, Roots
from incidents.audit.proof.site_check import Decided, LogResult, Rules
from incidents.audit.proof.succession import Succession
from incidents.audit.proof.verdict import (
    Verdict,
    VerifyOptions,
    held_flaws,
    key_flaws,
    signature_flaw,
    since_of,
    usable_since,
    witness_flaws,
)
from incidents.errors import Cause
from incidents.machine.policy import DOCUMENTED

_AT_ONCE = 10_000
_FILES_AT_ONCE = 512


def bundle(
    folder: Path,
    options: VerifyOptions,
    *,
    processes: int | None = None,
    done: Progress = lambda _: None,
) -> Verdict:
    """Verify the bundle in a folder; `done` is called with numbers of entries, as progress.

    Raises:
        NoBundleError: if the files are not those of a bundle, or a file cannot be read.
        WorkerLostError: if a process ends too early.
    """
    manifest = read_manifest(folder)
    notes = Notes.of(folder, manifest)
    source = partial(bundle_log.opened, folder, manifest.size)
    try:
        with workers_for(source, None, manifest.entries, processes=processes, done=done) as workers:
            found = _Inputs(folder, manifest, notes, options, workers)
            return _whole(found) if manifest.whole else _part(found)
    except OSError as error:
        raise NoBundleError(file=str(error.filename), detail=str(error.strerror)) from error


@dataclass(frozen=True, slots=True)
class _Inputs:
    """The inputs of every check."""

    folder: Path
    manifest: Manifest
    notes: Notes
    options: VerifyOptions
    workers: Workers


def _whole(found: _Inputs) -> Verdict:
    manifest, notes, options = found.manifest, found.notes, found.options
    seen = LogResult(where=lambda leaf: at_line(ENTRIES, (leaf or 0) + 1))
    for part in found.workers.each(leaf_check.ranges(manifest.size, placed=options.policy)):
        seen.join(part)
    seen.end()
    if not seen.entries == manifest.entries == manifest.size:
        what = Cause.of(
            "flaw_manifest_entries", "there are {n} entries, but the manifest says {said}",
            n=seen.entries, said=manifest.entries,
        )  # fmt: skip
        seen.flaws.append(Flaw(part="bundle", where="manifest.json", what=what))
    seen.flaws += found.workers.one(leaf_check.upper_flaws, seen.roots)
    succession = seen.succession
    left = set(succession.periods.policies)
    policies, flaws = bundle_files.read_policies(found.folder, manifest)
    flaws += bundle_files.policy_flaws(policies, seen.policies, left)
    decided = Decided([])
    with bundle_log.opened(found.folder, manifest.size) as log:
        roots = Roots(log, seen.trusted(manifest.size))
        flaws += notes.differences(succession, roots)
        held, agreeing = held_flaws(options, succession.keys, roots)
    before = usable_since(options, agreeing)
    again = of = len(seen.streams.of.keys() - {0})
    if options.policy:
        if before is not None and not succession.periods.ended_since(before.checkpoint.size):
            # As in `site_check.later_sites`: the others were decided again before.
            first = max(0, before.checkpoint.size - site_check.WITHIN_AN_ACTION)
            later = set(seen.sites[first:])
            _drop_sites(seen.sites, later)
            again = len(later - {-1, 0})
        places = Places.by_site(seen.sites, range(manifest.size), seen.lengths)
        del seen.sites, seen.lengths
        periods = succession.periods
        open_from = manifest.size - site_check.WITHIN_AN_ACTION
        decided = _sites(found, places, Rules(periods.policies, periods, open_from))
    return _verdict(
        found, [*seen.flaws, *flaws, *held, *decided.flaws], agreeing, kind="bundle",
        unfinished=decided.unfinished, entries=seen.entries, sites=of,
        since=since_of(before, again),
        policies=len(seen.policies), decided=options.policy,
        lost_its_end=tuple(succession.lost_ends),
    )  # fmt: skip


def _part(found: _Inputs) -> Verdict:
    options, notes = found.options, found.notes
    seen = bundle_log.check_part(found.folder, found.manifest, notes)
    policies, flaws = bundle_files.read_policies(found.folder, found.manifest)
    succession = Succession()
    wrong = succession.take(seen.own)
    left = {*succession.periods.policies, DOCUMENTED.digest}
    flaws += bundle_files.policy_flaws(policies, seen.policies, left)
    held, agreeing = _compare_part(options, notes)
    begun = {site_id for site_id, stretch in seen.streams.of.items() if stretch.first == 1}
    # Without the desk's own actions, or with wrong ones, the active policy is not known.
    periods = None if wrong or not seen.own else succession.periods
    decided = Decided([])
    if options.policy:
        # Only sites whose first entry is there are known completely.
        _drop_sites(seen.sites, begun)
        places = Places.by_site(seen.sites, seen.leaves, seen.lengths)
        decided = _sites(found, places, Rules(policies, periods, part=True))
    every = [*seen.flaws, *wrong, *flaws, *held, *_last_key(options, notes), *decided.flaws]
    return _verdict(
        found, every, agreeing, kind="part", unfinished=decided.unfinished,
        entries=seen.entries, sites=len(seen.streams.of), policies=len(seen.policies),
        decided=options.policy, begun_late=len(seen.streams.of) - len(begun),
        lost_its_end=tuple(succession.lost_ends),
        # Only the whole log shows that no activation is left out.
        periods=False,
    )  # fmt: skip


def _drop_sites(sites: array[int], only: Container[int]) -> None:
    """Mark all entries to be left out, except those of the sites in `only`."""
    for n, site_id in enumerate(sites):
        if site_id not in only:
            sites[n] = -1


def _verdict(
    found: _Inputs, flaws: Sequence[Flaw], agreeing: Sequence[str], **rest: Any
) -> Verdict:
    options, notes, manifest = found.options, found.notes, found.manifest
    digests = [flaw for flaws in found.workers.each(_digests(manifest)) for flaw in flaws]
    witnessed = notes.witnessed()
    extras = [name for name in manifest.digests if name == REPORT or name.startswith("stamps/")]
    return Verdict.of(
        checkpoints=1, last=notes.head, key=notes.keys[-1], keys=notes.keys,
        trusted="outside" if options.keys else "inside", witnesses=witnessed, agreeing=agreeing,
        extras=tuple(extras),
        findings=[
            *digests, *flaws, *notes.flaws(manifest), *key_flaws(options, notes.keys, ()),
            *witness_flaws(options, witnessed),
        ],
        **rest,
    )  # fmt: skip


def _digests(manifest: Manifest) -> Iterator[Call]:
    files = iter(manifest.digests.items())
    while some := dict(islice(files, _FILES_AT_ONCE)):
        yield digests_of, (some,)


def digests_of(log: BundleLog, _progress: Progress, files: dict[str, str]) -> list[Flaw]:
    """Find the files whose SHA-256 differs from the SHA-256 in the manifest."""
    flaws = []
    for name, digest in files.items():
        with (log.folder / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            what = Cause.of(
                "flaw_digest", "its SHA-256 is {found}, but the manifest says {said}",
                found=found, said=digest,
            )  # fmt: skip
            flaw = Flaw(part="bundle", where=name, what=what, expected=digest, found=found)
            flaws.append(flaw)
    return flaws


def _sites(found: _Inputs, places: Places, rules: Rules) -> Decided:
    calls = ((site_check.decided, (share, rules)) for share in places.shares(_AT_ONCE))
    flaws, unfinished = [], 0
    for decided in found.workers.each(calls):
        flaws += decided.flaws
        unfinished += decided.unfinished
    return Decided(flaws, unfinished)


def _compare_part(options: VerifyOptions, notes: Notes) -> tuple[list[Flaw], list[str]]:
    """Compare checkpoints of the same size as the part's own; a part allows no other comparison."""
    flaws, agreeing = [], []
    for held in options.compared:
        what = _difference(held, notes)
        if what is not None:
            flaws.append(Flaw(part="checkpoints", where=held.where, what=what))
        wrong = signature_flaw(held, [*options.keys, *notes.keys])
        if wrong is not None:
            flaws.append(wrong)
        if what is None and wrong is None:
            agreeing.append(held.where)
    return flaws, agreeing


def _difference(held: Held, notes: Notes) -> str | None:
    own, given = notes.head.checkpoint, held.checkpoint
    if own.size != given.size:
        return Cause.of(
            "flaw_part_size", "it is of {n} entries, and a part can be compared at the size of its"
            " own checkpoint alone, {size}: ask for the whole bundle",
            n=given.size, size=own.size,
        )  # fmt: skip
    if own.root != given.root:
        return Cause.of(
            "flaw_part_root", "its root is {root}, and at that size the bundle's checkpoint says"
            " {right}: the log was rewritten",
            root=given.root.hex(), right=own.root.hex(),
        )  # fmt: skip
    return None


def _last_key(options: VerifyOptions, notes: Notes) -> list[Flaw]:
    """Refuse every known key but the last signer: only the whole record proves older hand-overs."""
    if not options.keys or notes.keys[-1] in options.keys:
        return []
    older = (
        "you know an older key, and that it handed over to this one the whole bundle alone shows"
    )
    what = Cause.of("flaw_older_key", older)
    return [Flaw(part="checkpoints", where=str(notes.keys[-1]), what=what)]
