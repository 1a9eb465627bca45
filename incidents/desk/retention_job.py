"""The ageing: what has been kept long enough, and goes by time alone if that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from incidents.clock import rfc3339
from incidents.desk import erasure, pseudonyms
from incidents.desk.desk import Desk
from incidents.desk.erasure import Erased, Erasure
from incidents.settings.retention import Retention
from incidents.store import sign_ins
from incidents.store.database.engine import plainly, reading
from incidents.store.erasable import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """What is gone, or would be, of what was recorded before that time (UTC)."""

    keep: Retention
    before: datetime
    erased: Erased

    def document(self, *, dry_run: bool) -> dict[str, Any]:
        """For programs."""
        return {
            "keep_s": int(self.keep.keep.total_seconds()),
            "asked_for": self.keep.asked_for,
            "before": rfc3339(self.before),
            "words": self.erased.words,
            "files": self.erased.files,
            "sign_ins": self.erased.sign_ins,
            "dry_run": dry_run,
        }


def look(engine: Engine, folder: Path, keep: Retention, now: datetime) -> Aged:
    """What could be erased at `now` (UTC), evidence files in `folder` included; nothing is."""
    scope = Scope(before=keep.cutoff(now))
    erased = erasure.expect(engine, scope, folder)
    with plainly(engine), reading(engine) as connection:
        erased = replace(erased, sign_ins=sign_ins.erasable(connection, scope.before))
    return Aged(keep=keep, before=scope.before, erased=erased)


def erase(
    desk: Desk,
    engine: Engine,
    folder: Path,
    keep: Retention,
    now: datetime,
    *,
    by: str,
    login: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Aged:
    """Erases it, signed by who asks; nothing where the settings do not ask for it.

    Raises as `erasure.erase` does.
    """
    scope, erased = Scope(before=keep.cutoff(now)), Erased()
    if keep.asked_for:
        # First, so that what is done last of all clears the database's files of these too.
        rows = pseudonyms.erase(desk, scope.before, by=by, login=login, stopped=stopped)
        wanted = Erasure(scope=scope, by=by, login=login)
        erased = erasure.erase(desk, engine, wanted, folder, stopped=stopped, rewrite=rows > 0)
        erased = replace(erased, sign_ins=rows)
    return Aged(keep=keep, before=scope.before, erased=erased)
