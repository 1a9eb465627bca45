"""The verdict of a verification: what was shown, what was not, and what to keep for the next one.

The checkpoint that the last `audit verify --since auto` of a log has verified is kept in the state
folder of whoever verifies, where a change of the database does not reach it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.errors import FileError
from incidents.locale.words import counted
from incidents.system import disk

if TYPE_CHECKING:
    from incidents.audit.proof.signed_check import Held
    from incidents.audit.proof.verdict import Asked, Verdict
    from incidents.cli.run import Run


def sentences(verdict: Verdict, run: Run, asked: Asked) -> Iterator[str]:
    """What people are told of a verdict, a sentence a line."""
    if verdict.findings:
        yield f"NOT VERIFIED: {counted(len(verdict.findings), 'finding')}"
    else:
        yield "verified"
    for sentence in (*_entries(verdict), *_signatures(verdict)):
        yield f"  shown: {sentence}"
    for sentence in _taken(verdict):
        yield f"  taken from before: {sentence}"
    for sentence in (*_pending(verdict, run), *_not_shown(verdict)):
        yield f"  NOT SHOWN: {sentence}"
    yield from _lost_end(verdict)
    if asked.since is not None and verdict.since is None:
        yield f"nothing was taken from {asked.since.where}: everything was checked"
    if asked.since is not None and verdict.since is None and verdict.findings:
        yield (
            "next: find out why; once that is on record (a restore, say), move it away and verify "
            "everything"
        )
    elif verdict.kind == "database":
        yield "next: `incidents audit replay` shows that the tables are what the entries say"


def _lost_end(verdict: Verdict) -> Iterator[str]:
    """What the record says itself is nothing that is wrong with it, and still to be known."""
    lost = [f"epoch {each.epoch}, {each.at}" for each in verdict.lost_its_end]
    if lost:
        which = lost[-1] if len(lost) == 1 else f"the last one: {lost[-1]}"
        times = "" if len(lost) == 1 else f" {len(lost):,} times"
        where = "incidents audit status" if verdict.kind == "database" else "its history_resumed"
        yield f"  the record says itself that it lost its end{times} ({which}): see {where}"


def _entries(verdict: Verdict) -> Iterator[str]:
    # What is wrong is told above; what was looked at is told as that.
    right = "" if not verdict.findings else " were looked at"
    yield (
        f"{counted(verdict.entries, 'entry', 'entries')} of {counted(verdict.sites, 'site')}"
        f"{right or ': of no site is one missing between two others, and each has its hash'}"
    )
    yield from _later(verdict)
    if verdict.findings:
        return
    if verdict.kind != "part" and verdict.root is not None:
        yield "the tree over them, its tiles and roots, recomputed byte for byte"
    if verdict.decided:
        since, of = verdict.since, verdict.sites
        on = "" if since is None else f" on {since.sites:,} of {counted(of, 'site')}"
        yield (
            f"what was decided{on} follows from what stands before it, under "
            f"{counted(verdict.policies, 'policy', 'policies')}"
        )


def _later(verdict: Verdict) -> Iterator[str]:
    since = verdict.since
    if since is None:
        return
    later = verdict.entries - verdict.pending - since.size
    yield (
        f"the first {since.size:,} of them have the root of {since.where}, which was verified "
        f"before; {counted(later, 'entry', 'entries')} {_is(later)} later"
    )


def _taken(verdict: Verdict) -> Iterator[str]:
    """What is believed because it was verified before."""
    since = verdict.since
    if since is None:
        return
    left = verdict.sites - since.sites
    if verdict.decided and left:
        yield f"what was decided on {counted(left, 'site')} without later entries"
    if verdict.kind == "database":
        yield f"the signatures of checkpoints of up to {since.size:,} entries"


def _signatures(verdict: Verdict) -> Iterator[str]:
    if verdict.findings:
        return
    if verdict.size is not None and verdict.root is not None:
        signed = counted(verdict.checkpoints, "checkpoint")
        yield f"{signed} of {verdict.origin}, the last of {verdict.size:,} entries"
        yield f"root {verdict.root}"
        yield f"signed by {verdict.key}"
    before = None if verdict.since is None else verdict.since.where
    for held in verdict.agreeing:
        if held != before:
            yield f"{held}, which you hold, is of this same history"
    for key, seen in sorted(verdict.witnesses.items()):
        yield f"countersigned at {seen.size:,} entries, {seen.at}, by {key}"


def _pending(verdict: Verdict, run: Run) -> Iterator[str]:
    if verdict.pending:
        since = verdict.pending_since
        oldest = (
            "" if since is None else f", the oldest recorded at {since}{_overdue(verdict, run)}"
        )
        yield (
            f"that {counted(verdict.pending, 'entry', 'entries')} that {_is(verdict.pending)} not "
            f"numbered yet will stay as {_it(verdict.pending)}{oldest}"
        )
    if verdict.kind == "database" and verdict.uncovered:
        n = verdict.uncovered
        yield (
            f"that {counted(n, 'entry', 'entries')} after the last checkpoint will stay as "
            f"{_it(n)}: only what a checkpoint covers is tamper-evident"
        )


def _overdue(verdict: Verdict, run: Run) -> str:
    from incidents.audit.proof.verification import is_overdue

    late = is_overdue(verdict, run.when.now)
    return ", which is too long: is a daemon running?" if late else ""


def _not_shown(verdict: Verdict) -> Iterator[str]:
    if verdict.key is None:
        yield "anything against a change of the whole: no checkpoint is signed yet"
    elif verdict.trusted == "inside":
        where = "database" if verdict.kind == "database" else "bundle"
        yield (
            f"whose key that is: it was taken from the {where} itself, and whoever has made that "
            "can have put it there (compare it, or name the one that you know with --key)"
        )
    for old, new in verdict.broken:
        yield f"that {new} is the log's: {old} was replaced, and did not hand over to it"
    if not verdict.agreeing:
        yield (
            "that the log was not rewritten by whoever holds the key: hold a checkpoint outside, "
            "and name it with --checkpoint"
        )
    for key, seen in sorted(verdict.witnesses.items()):
        if verdict.size is not None and seen.size < verdict.size:
            yield (
                f"that {key} has seen what comes after the first {seen.size:,} entries: it has "
                "not signed that yet, or refuses to"
            )
    if not verdict.decided:
        yield (
            "that what was decided follows from the policy, and that each entry is written as the "
            "desk writes (--no-policy)"
        )
    if verdict.unfinished:
        yield (
            f"that the last act on {counted(verdict.unfinished, 'site')} is whole: the rest may be "
            "after the end of this bundle"
        )
    yield from _of_part(verdict)
    for extra in verdict.extras:
        yield f"anything by {extra}: it is as the manifest lists it, and nothing here rests on it"


def _of_part(verdict: Verdict) -> Iterator[str]:
    if verdict.kind != "part":
        return
    yield "that there is nothing of these sites before the first entry here, or after the last"
    if verdict.begun_late:
        yield (
            f"that {counted(verdict.begun_late, 'site')} {_is(verdict.begun_late)} decided as the "
            "policy says: what is here begins later than their first entry"
        )
    if not verdict.periods and verdict.decided:
        yield (
            "that the policies named were the active ones: acts that say so may not be here, and "
            "the whole bundle alone shows all of them"
        )


def _is(n: int) -> str:
    return "is" if n == 1 else "are"


def _it(n: int) -> str:
    return "it is" if n == 1 else "they are"


MOST_BYTES = 1_000_000


def kept_place(run: Run) -> Path:
    """Where it lies, of the log in this run's database or at its server."""
    from platformdirs import user_state_path

    of = run.settings.server
    if of is None:
        url = run.local.engine.url
        if url.drivername.startswith("sqlite") and url.database:
            url = url.set(database=str(Path(url.database).expanduser().resolve()))
        of = url.render_as_string(hide_password=True)
    name = sha256(of.encode()).hexdigest()[:16]
    return user_state_path("incidents", appauthor=False) / "verified" / f"{name}.checkpoint"


def read_kept(file: Path) -> bytes | None:
    """What is kept there; None before the first time.

    Raises:
        FileError: if it cannot be read, or somebody else can have written it.
    """
    try:
        with file.open("rb") as opened:
            _refuse_strangers(file, os.fstat(opened.fileno()))
            return opened.read(MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise FileError.of(str(file), "read", error) from error


def keep_checkpoint(file: Path, verdict: Verdict, before: Held | None) -> bool:
    """Keeps the last checkpoint of what was verified whole, unless the one of `before` covers more;
    whether it is kept.

    Raises:
        FileError: if it cannot be written.
    """
    if verdict.findings or not verdict.decided or verdict.note is None:
        return False
    if before is not None and (verdict.size or 0) < before.checkpoint.size:
        return False
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        disk.write_whole(file, [verdict.note.encode()])
    except OSError as error:
        raise FileError.of(str(file), "written", error) from error
    return True


def _refuse_strangers(file: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        detail = "somebody else can have written it: remove it, and everything is verified again"
        raise FileError(file=str(file), done="trusted", detail=detail)
