"""The verdict of a verification: what is proved, what is not, and the checkpoint to keep.

For each log, the last checkpoint that `audit verify --since auto` verified is kept in the state
folder of the person who verifies, where changes to the database cannot reach it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.cli.audit.audit import counted
from incidents.errors import FileError
from incidents.system import disk

if TYPE_CHECKING:
    from incidents.audit.proof.signed_check import Held
    from incidents.audit.proof.verdict import Verdict, VerifyOptions
    from incidents.cli.run import Run


def sentences(verdict: Verdict, run: Run, asked: VerifyOptions) -> Iterator[str]:
    """Yield the sentences of a verdict for people, one for each line."""
    if verdict.findings:
        findings = counted(run, "finding", len(verdict.findings))
        yield run.text("verdict.not_verified", findings=findings)
    else:
        yield run.text("verdict.unsigned" if verdict.key is None else "verdict.verified")
    # Nothing is proven while anything is wrong.
    shown = "verdict.checked" if verdict.findings else "verdict.shown"
    for sentence in (*_entries(verdict, run), *_signatures(verdict, run)):
        yield run.text(shown, what=sentence)
    for sentence in _taken(verdict, run):
        yield run.text("verdict.taken", what=sentence)
    for sentence in (*_pending(verdict, run), *_not_shown(verdict, run)):
        yield run.text("verdict.not_shown", what=sentence)
    yield from _lost_end(verdict, run)
    if asked.since is not None and verdict.since is None:
        yield run.text("verdict.nothing_taken", where=asked.since.where)
    if asked.since is not None and verdict.since is None and verdict.findings:
        yield run.text("verdict.next.everything")
    elif verdict.kind == "database":
        yield run.text("verdict.next.replay")


def _of_number(id_: str, n: int) -> str:
    """Choose the ID of the singular or the plural phrase for `n`."""
    return f"{id_}.one" if n == 1 else f"{id_}.many"


def _lost_end(verdict: Verdict, run: Run) -> Iterator[str]:
    """Name the losses that the record itself declares; a declared loss is not an error."""
    lost = verdict.lost_its_end
    if lost:
        where = "database" if verdict.kind == "database" else "bundle"
        yield run.text(
            _of_number("verdict.lost_end", len(lost)), n=len(lost), epoch=lost[-1].epoch,
            at=lost[-1].at, where=run.text(f"verdict.lost_end.where.{where}"),
        )  # fmt: skip


def _entries(verdict: Verdict, run: Run) -> Iterator[str]:
    # The lines above list the errors; these list the examined parts.
    yield run.text(
        "verdict.looked_at" if verdict.findings else "verdict.entries",
        entries=counted(run, "entry", verdict.entries), sites=counted(run, "site", verdict.sites),
    )  # fmt: skip
    if verdict.archive.read:
        yield run.text("verdict.parts", parts=counted(run, "part", verdict.archive.read))
    yield from _later(verdict, run)
    if verdict.findings:
        return
    if verdict.kind != "part" and verdict.root is not None:
        yield run.text("verdict.tree")
    if verdict.decided:
        since = verdict.since
        yield run.text(
            "verdict.decided" if since is None else "verdict.decided.since",
            n=None if since is None else since.sites, sites=counted(run, "site", verdict.sites),
            policies=counted(run, "policy", verdict.policies),
        )  # fmt: skip


def _later(verdict: Verdict, run: Run) -> Iterator[str]:
    since = verdict.since
    if since is None:
        return
    later = verdict.entries - verdict.pending - since.size
    yield run.text(
        _of_number("verdict.later", later), size=since.size, where=since.where,
        entries=counted(run, "entry", later),
    )  # fmt: skip


def _taken(verdict: Verdict, run: Run) -> Iterator[str]:
    """Name the parts that are trusted because an earlier verification covered them."""
    since = verdict.since
    if since is None:
        return
    sites = verdict.sites - since.sites
    if verdict.decided and sites:
        yield run.text("verdict.taken.sites", sites=counted(run, "site", sites))
    if verdict.kind == "database":
        yield run.text("verdict.taken.signatures", size=since.size)
    if left := verdict.archive.parts - verdict.archive.read:
        yield run.text("verdict.taken.parts", parts=counted(run, "part", left))


def _signatures(verdict: Verdict, run: Run) -> Iterator[str]:
    if verdict.findings:
        return
    if verdict.size is not None and verdict.root is not None:
        signed = counted(run, "checkpoint", verdict.checkpoints)
        yield run.text(
            "verdict.checkpoints", checkpoints=signed, origin=verdict.origin, size=verdict.size
        )
        yield run.text("verdict.root", root=verdict.root)
        yield run.text("verdict.key", key=verdict.key)
    before = None if verdict.since is None else verdict.since.where
    for held in verdict.agreeing:
        if held != before:
            yield run.text("verdict.agrees", held=held)
    for key, seen in sorted(verdict.witnesses.items()):
        yield run.text("verdict.witness", size=seen.size, at=seen.at, key=key)


def _pending(verdict: Verdict, run: Run) -> Iterator[str]:
    if verdict.pending:
        id_ = _of_number("verdict.pending", verdict.pending)
        if verdict.pending_since is not None:
            from incidents.audit.proof.verification import is_overdue

            id_ += ".overdue" if is_overdue(verdict, run.when.now) else ".since"
        entries = counted(run, "entry", verdict.pending)
        yield run.text(id_, entries=entries, since=verdict.pending_since)
    if verdict.kind == "database" and verdict.uncovered:
        n = verdict.uncovered
        yield run.text(_of_number("verdict.uncovered", n), entries=counted(run, "entry", n))


def _not_shown(verdict: Verdict, run: Run) -> Iterator[str]:
    if verdict.key is None:
        yield run.text("verdict.no_key")
    elif verdict.trusted == "inside":
        where = "database" if verdict.kind == "database" else "bundle"
        yield run.text(f"verdict.own_key.{where}")
    for old, new in verdict.broken:
        yield run.text("verdict.broken", old=old, new=new)
    if not verdict.agreeing:
        yield run.text("verdict.no_held")
    for key, seen in sorted(verdict.witnesses.items()):
        if verdict.size is not None and seen.size < verdict.size:
            yield run.text("verdict.witness.behind", key=key, size=seen.size)
    if not verdict.decided:
        yield run.text("verdict.no_policy")
    if verdict.unfinished:
        yield run.text("verdict.unfinished", sites=counted(run, "site", verdict.unfinished))
    yield from _of_part(verdict, run)
    for extra in verdict.extras:
        yield run.text("verdict.extra", file=extra)


def _of_part(verdict: Verdict, run: Run) -> Iterator[str]:
    if verdict.kind != "part":
        return
    yield run.text("verdict.part")
    if verdict.begun_late:
        n = verdict.begun_late
        yield run.text(_of_number("verdict.begun_late", n), sites=counted(run, "site", n))
    if not verdict.periods and verdict.decided:
        yield run.text("verdict.part.policies")


MOST_BYTES = 1_000_000


def kept_place(run: Run) -> Path:
    """The path of the checkpoint kept for the log in this run's database or on its server."""
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
    """Read the kept checkpoint; None before the first verification.

    Raises:
        FileError: if the file cannot be read, or if somebody else could have written it.
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
    """Keep the last checkpoint of a fully verified log, and return whether it was kept.

    A checkpoint that covers fewer entries than `before` is not kept.

    Raises:
        FileError: if the file cannot be written.
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
