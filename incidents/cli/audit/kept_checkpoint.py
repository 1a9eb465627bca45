"""The kept checkpoint: what the last `audit verify --since auto` of a log has verified.

It lies in the state folder of whoever verifies, where a change of the database does not reach it.
"""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from incidents.errors import FileError
from incidents.system import disk

if TYPE_CHECKING:
    from incidents.audit.proof.signed_check import Held
    from incidents.audit.proof.verdict import Verdict
    from incidents.cli.run import Run

MOST_BYTES = 1_000_000


def place(run: Run) -> Path:
    """Where it lies, of the log in this run's database or at its server."""
    from platformdirs import user_state_path

    of = run.settings.server
    if of is None:
        url = run.local.engine.url
        if url.drivername.startswith("sqlite") and url.database:
            url = url.set(database=str(Path(url.database).expanduser().resolve()))
        of = url.render_as_string(hide_password=True)
    name = sha256(of.encode()).hexdigest()[:16]
    folder = user_state_path("incidents", appauthor=False) / "verified"
    return folder / f"{name}.checkpoint"


def read(file: Path) -> bytes | None:
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
        detail = error.strerror or str(error)
        raise FileError(file=str(file), done="read", detail=detail) from error


def keep(file: Path, verdict: Verdict, before: Held | None) -> bool:
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
        detail = error.strerror or str(error)
        raise FileError(file=str(file), done="written", detail=detail) from error
    return True


def _refuse_strangers(file: Path, found: os.stat_result) -> None:
    if found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        detail = "somebody else can have written it: remove it, and everything is verified again"
        raise FileError(file=str(file), done="trusted", detail=detail)
