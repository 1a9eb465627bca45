"""The request to erase a site's personal text, which is done as soon as the law allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from incidents.clock import rfc3339
from incidents.desk import erasure
from incidents.desk.desk import Desk
from incidents.desk.erasure import Erased, Erasure
from incidents.errors import RefusedError
from incidents.settings.retention import Retention
from incidents.store import erasable
from incidents.store.cases import sites
from incidents.store.database.engine import plainly, reading
from incidents.store.erasable import Scope

if TYPE_CHECKING:
    from incidents.contract.documents import policies as documents

_Which = Callable[[Iterable[datetime]], datetime]


class TooYoungError(RefusedError):
    """nothing about {site} can be erased before {at}: the law requires keeping it (at least 184
    days after it was recorded, or as long as [retention] keep)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequest:
    """A request to erase a site's personal data, text and contact details, with a reason."""

    site: str
    reason: str
    by: str
    login: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class YoungData:
    """The data that is too recent to erase.

    `first` and `last`: when (UTC) the first and the last of this data can be erased.
    """

    words: int
    files: int
    first: datetime | None
    last: datetime | None

    def document(self) -> documents.Staying:
        """The document for programs."""
        return {
            "words": self.words,
            "files": self.files,
            "first_at": None if self.first is None else rfc3339(self.first),
            "last_at": None if self.last is None else rfc3339(self.last),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureResult:
    """The data that was erased, or would be in a dry run, recorded before `before` (UTC).

    `staying`: the data that is too recent to erase.
    """

    site: str
    before: datetime
    erased: Erased
    staying: YoungData

    def document(self, *, dry_run: bool) -> documents.Erased:
        """The document for programs."""
        return {
            "site": self.site,
            "before": rfc3339(self.before),
            "words": self.erased.words,
            "files": self.erased.files,
            "staying": self.staying.document(),
            "dry_run": dry_run,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequests:
    """A handler of erasure requests for one database, its evidence folder, and its retention."""

    desk: Desk
    engine: Engine
    folder: Path
    keep: Retention

    def execute(
        self,
        request: ErasureRequest,
        now: datetime,
        *,
        dry_run: bool,
        confirm: Callable[[], None],
        format_time: Callable[[datetime], str] = rfc3339,
    ) -> ErasureResult:
        """Permanently erase the data that is old enough at `now` (UTC).

        A dry run only returns what would be erased. `confirm` is called before anything is erased,
        and may raise an error to prevent it. `format_time` formats the time in a refusal.

        Raises:
            UnknownSiteError: with the nearest names.
            TooYoungError: if there is data, but the law requires all of it to be kept.
            The same errors as `erasure.erase`.
        """
        scope = Scope(before=self.keep.cutoff(now), site_id=self._site_id(request.site))
        erased = erasure.expect(self.engine, scope, self.folder)
        if erased.anything and not dry_run:
            confirm()
        staying = self._staying(scope)
        if not erased.anything:
            if staying.first is not None:
                raise TooYoungError(site=request.site, at=format_time(staying.first))
            if not dry_run:
                # Nothing was confirmed, so data that has become old enough since stays.
                erasure.clear(self.engine, self.folder)
        elif not dry_run:
            wanted = Erasure(
                scope=scope, by=request.by, login=request.login, site=request.site,
                reason=request.reason,
            )  # fmt: skip
            erased = erasure.erase(self.desk, self.engine, wanted, self.folder)
            staying = self._staying(scope)
        return ErasureResult(site=request.site, before=scope.before, erased=erased, staying=staying)

    def _site_id(self, site: str) -> int:
        with plainly(self.engine), reading(self.engine) as connection:
            found = sites.ids_by_name(connection, [site]).get(site)
            if found is None:
                raise sites.unknown(connection, site)
            return found

    def _staying(self, scope: Scope) -> YoungData:
        with plainly(self.engine), reading(self.engine) as connection:
            words = erasable.young_values(connection, scope)
            files = erasable.young_files(connection, scope)
        return YoungData(
            words=words.n,
            files=files.n,
            first=self._due(min, words.first, files.first),
            last=self._due(max, words.last, files.last),
        )

    def _due(self, which: _Which, *at: datetime | None) -> datetime | None:
        moments = [moment for moment in at if moment is not None]
        return self.keep.due(which(moments)) if moments else None
