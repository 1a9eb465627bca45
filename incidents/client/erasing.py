"""The erasing at a server: what was kept long enough, on somebody's demand or by time alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents.client.faults import Document
from incidents.client.http import Exchange, part
from incidents.client.record import LONG_S
from incidents.clock import read_rfc3339

if TYPE_CHECKING:
    from incidents.desk.erasure import Erased
    from incidents.desk.erasure_request import Met
    from incidents.desk.retention_job import Aged


class RemoteErasing:
    """What goes, by the server's own setting; all raise ProblemError for what it refuses,
    ServerError if it does not answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def meet(self, site: str, reason: str, *, dry_run: bool, confirm: Callable[[], None]) -> Met:
        """Erases what people have said about a site; `confirm` raises unless that is meant, and is
        asked only if there is something."""
        path, words = f"/sites/{part(site)}/erase", {"reason": reason}
        found = self._done(path, words, dry_run=True)
        if not dry_run:
            if found["words"] or found["files"]:
                confirm()
            found = self._done(path, words | {"confirm": site}, dry_run=False)
        return _met(found)

    def meet_account(
        self, handle: str, reason: str, *, dry_run: bool, confirm: Callable[[], None]
    ) -> Document:
        """Erases who signed in as that account, and from where; `confirm` as of `meet`."""
        path, words = f"/accounts/{part(handle)}/erase", {"reason": reason}
        found = self._done(path, words, dry_run=True)
        if not dry_run and found["sign_ins"]:
            confirm()
            found = self._done(path, words | {"confirm": handle}, dry_run=False)
        return found | {"dry_run": dry_run}

    def look(self) -> Aged:
        """What could be erased now; nothing is."""
        return _aged(self._exchange.get("/retention"))

    def erase(self) -> Aged:
        """Erases it; nothing where the server's settings do not ask for it."""
        return _aged(self._done("/retention/run", None, dry_run=False))

    def _done(self, path: str, words: Document | None, *, dry_run: bool) -> Document:
        found, _ = self._exchange.exchange(
            "POST", path, words=words, query={"dry_run": dry_run or None}, within_s=LONG_S
        )
        return found


def _met(told: Document) -> Met:
    from incidents.desk.erasure_request import Met, Staying

    staying = told["staying"]
    return Met(
        site=told["site"], before=read_rfc3339(told["before"]), erased=_erased(told),
        staying=Staying(
            words=staying["words"], files=staying["files"], first=_moment(staying["first_at"]),
            last=_moment(staying["last_at"]),
        ),
    )  # fmt: skip


def _aged(told: Document) -> Aged:
    from incidents.desk.retention_job import Aged
    from incidents.retention.periods import Retention

    keep = Retention(keep=timedelta(seconds=told["keep_s"]), asked_for=told["asked_for"])
    return Aged(keep=keep, before=read_rfc3339(told["before"]), erased=_erased(told))


def _erased(told: Document) -> Erased:
    from incidents.desk.erasure import Erased

    return Erased(words=told["words"], files=told["files"], sign_ins=told.get("sign_ins", 0))


def _moment(told: str | None) -> datetime | None:
    return None if told is None else read_rfc3339(told)
