"""Pseudonyms in the sign-in log, and the job that writes them after the retention period.

Each row of the log stays, with pseudonyms in place of the person and the address. Within one
erasure, the same text gets the same pseudonym; the next erasure uses other pseudonyms, so that
nobody can be identified.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from incidents import clock
from incidents.accounts.identity import SESSION
from incidents.clock import rfc3339
from incidents.desk import erasure, expired_keys, own_stream, thinning
from incidents.desk.accounts import known
from incidents.desk.desk import Desk
from incidents.desk.erasure import Erased, Erasure
from incidents.desk.erasure_request import TooYoungError
from incidents.record.own_events import SignInsErased
from incidents.settings.retention import Retention
from incidents.store import erasable
from incidents.store import expired_keys as stored_keys
from incidents.store.accounts import factors, saved_views, sign_ins
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.erasable import Scope

if TYPE_CHECKING:
    from incidents.contract.documents import policies as documents

ROWS_AT_ONCE = 1_000
"""The maximum number of rows that one transaction erases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountErasureRequest:
    """A request to erase a person from the sign-ins of their account, with the reason."""

    handle: str
    reason: str
    by: str
    login: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountErasureResult:
    """The numbers of rows and of names that were erased, or would be in a dry run.

    The rows are from before `before` (UTC). `next`: when the first of the remaining rows can be
    erased.
    """

    account: str
    before: datetime
    rows: int
    names: int
    next: datetime | None

    def document(self, *, dry_run: bool) -> documents.ErasedAccount:
        """The document for programs."""
        return {
            "account": self.account,
            "before": rfc3339(self.before),
            "sign_ins": self.rows,
            "names": self.names,
            "next_at": None if self.next is None else rfc3339(self.next),
            "dry_run": dry_run,
        }


def erase_account(
    desk: Desk,
    engine: Engine,
    keep: Retention,
    request: AccountErasureRequest,
    now: datetime,
    *,
    dry_run: bool,
    confirm: Callable[[], None],
    format_time: Callable[[datetime], str] = rfc3339,
) -> AccountErasureResult:
    """Permanently erase the account's sign-in data that is old enough at `now` (UTC).

    The names that its owner wrote go with it, since they are free text: saved views are deleted,
    second factors go on working without a name. No law keeps those names, so they also go where
    there is no sign-in. A dry run only returns the amount. `confirm` is called before anything is
    erased, and may raise an error to prevent it. `format_time` formats the time in a refusal.

    Raises:
        UnknownAccountError: if there is no such account.
        TooYoungError: if there is data, but the law requires all of it to be kept.
        DatabaseError: if the database fails.
    """
    before, handle = keep.cutoff(now), request.handle
    with plainly(engine), reading(engine) as connection:
        known(connection, handle)
        rows = sign_ins.erasable(connection, before, handle)
        first = sign_ins.first(connection, handle)
        names = saved_views.count(connection, handle) + factors.count_names(connection, handle)
    if not rows and first is not None:
        raise TooYoungError(site=handle, at=format_time(keep.due(first)))
    if (rows or names) and not dry_run:
        confirm()
        rows = erase_sign_ins(
            desk, before, by=request.by, login=request.login, reason=request.reason, handle=handle
        )
        with plainly(engine), writing(engine) as connection:
            saved_views.remove_all(connection, handle)
            factors.erase_names(connection, handle)
        erasable.secure_vacuum(engine)
        with plainly(engine), reading(engine) as connection:
            first = sign_ins.first(connection, handle)
    after = None if first is None or first < before else keep.due(first)
    return AccountErasureResult(account=handle, before=before, rows=rows, names=names, next=after)


def erase_sign_ins(
    desk: Desk,
    before: datetime,
    *,
    by: str,
    login: str | None,
    reason: str | None = None,
    handle: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> int:
    """Erase the people in sign-ins from before `before` (UTC); return the number of rows.

    `handle`: only the sign-ins of this account. Each batch goes on record. `stopped` is called
    between batches. Raises the same errors as `Desk.on_record`; earlier batches stay erased.
    """
    pseudonyms: dict[str, str] = defaultdict(lambda: f"pseudonym {secrets.token_hex(4)}")
    pseudonyms[SESSION] = SESSION

    def some(connection: Connection) -> int:
        place = own_stream.place(connection, clock.now)
        rows = sign_ins.erase(connection, before, pseudonyms.__getitem__, handle, most=ROWS_AT_ONCE)
        if rows:
            own_stream.record(
                connection, place, SignInsErased, by, login, reason=reason, before=before, rows=rows
            )
        return rows

    done = 0
    while (rows := desk.on_record(some)) and not stopped():
        done += rows
    return done + rows


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionResult:
    """The amount of data that was erased, or would be in a dry run.

    Texts and sign-ins were recorded before `before` (UTC). `keys`: the stored answers of commands.
    `checkpoints`: those that were thinned.
    """

    keep: Retention
    before: datetime
    erased: Erased
    keys: int = 0
    checkpoints: int = 0

    def document(self, *, dry_run: bool) -> documents.Retention:
        """The document for programs."""
        return {
            "keep_s": int(self.keep.keep.total_seconds()),
            "asked_for": self.keep.is_enabled,
            "before": rfc3339(self.before),
            "words": self.erased.words,
            "files": self.erased.files,
            "sign_ins": self.erased.sign_ins,
            "keys": self.keys,
            "checkpoints": self.checkpoints,
            "dry_run": dry_run,
        }


def count_expired(engine: Engine, folder: Path, keep: Retention, now: datetime) -> RetentionResult:
    """Return the amount of data that could be erased at `now` (UTC), but erase nothing.

    `folder`: the folder with the evidence.
    """
    scope = Scope(before=keep.cutoff(now))
    erased = erasure.expect(engine, scope, folder)
    with plainly(engine), reading(engine) as connection:
        erased = replace(erased, sign_ins=sign_ins.erasable(connection, scope.before))
        keys = stored_keys.count(connection, keep.cutoff_of_keys(now))
    return RetentionResult(
        keep=keep, before=scope.before, erased=erased, keys=keys,
        checkpoints=thinning.count(engine, keep.checkpoints, now),
    )  # fmt: skip


def erase_expired(
    desk: Desk,
    engine: Engine,
    folder: Path,
    keep: Retention,
    now: datetime,
    *,
    by: str,
    login: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> RetentionResult:
    """Erase the data that is old enough, in the name of `by`.

    Texts and sign-ins are not erased unless the settings enable it. `stopped` ends the deletion of
    keys and checkpoints between two batches. Raises the same errors as `erasure.erase`.
    """
    keys = expired_keys.delete_expired(desk, engine, keep.cutoff_of_keys(now), stopped=stopped)
    checkpoints = thinning.thin(
        desk, engine, keep.checkpoints, now, by=by, login=login, stopped=stopped
    )
    erased = Erased()
    if keep.is_enabled:
        erased = erase_texts(desk, engine, folder, keep, now, by=by, login=login)
    return RetentionResult(
        keep=keep, before=keep.cutoff(now), erased=erased, keys=keys, checkpoints=checkpoints
    )


def erase_texts(
    desk: Desk,
    engine: Engine,
    folder: Path,
    keep: Retention,
    now: datetime,
    *,
    by: str,
    login: str | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Erased:
    """Erase the texts and sign-ins that are old enough; raises the errors of `erasure.erase`."""
    scope = Scope(before=keep.cutoff(now))
    # First, so that the last step clears the database's files of these too.
    rows = erase_sign_ins(desk, scope.before, by=by, login=login, stopped=stopped)
    wanted = Erasure(scope=scope, by=by, login=login)
    erased = erasure.erase(desk, engine, wanted, folder, stopped=stopped, rewrite=rows > 0)
    return replace(erased, sign_ins=rows)
